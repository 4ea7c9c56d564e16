//! Tells a client that there is no room, in its own protocol.

use std::io;
use std::time::Duration;

use bolt::frame::MESSAGE_MAX_BYTES_BEFORE_LOGIN;
use bolt::{Dialect, Framer, Outbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use types::Code;

use super::connection;
use super::logins::NO_ROOM;

/// How long a client may take to hear why.
const TIME_MAX: Duration = Duration::from_secs(2);

/// Answers the client's first message with a failure and closes.
pub(super) async fn refuse(mut stream: TcpStream, place: OwnedSemaphorePermit) {
    let deadline = Instant::now() + TIME_MAX;
    // Whether the client listens to the end is its own affair.
    let _ = timeout_at(deadline, answer(&mut stream, deadline)).await;
    drop(place);
}

async fn answer(stream: &mut TcpStream, deadline: Instant) -> io::Result<()> {
    let Some(dialect) = connection::shake_hands(stream, deadline).await? else { return Ok(()) };
    let mut framer = Framer::new(MESSAGE_MAX_BYTES_BEFORE_LOGIN);
    while matches!(framer.next_message(), Ok(None)) {
        if stream.read_buf(framer.input()).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(&refusal(dialect)).await?;
    stream.shutdown().await
}

fn refusal(dialect: Dialect) -> Vec<u8> {
    let mut outbox = Outbox::new(dialect);
    outbox.failure(Code::ResourceExhausted.row().neo4j, NO_ROOM);
    outbox.bytes().to_vec()
}
