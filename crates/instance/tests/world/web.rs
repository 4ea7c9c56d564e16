//! A web server of tests: answers each path with bytes, plain or encrypted.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a path answers: writes the whole response, head and all.
pub type Answer = Arc<dyn Fn(&str, &mut dyn Write) -> std::io::Result<()> + Send + Sync>;

/// Serves until the process ends; gives the address.
pub fn serve(answer: Answer) -> SocketAddr {
    listen(move |socket| {
        let mut socket = socket;
        let path = request(&mut socket)?;
        answer(&path, &mut socket)
    })
}

/// As [`serve`], encrypted, with a certificate that the authority of tests signed for `localhost` and 127.0.0.1.
pub fn serve_secret(answer: Answer) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../tls/server.pem")).expect("it is PEM");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../tls/server.key")).expect("it is PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.expect("the provider has them").with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).expect("the key fits"));
    listen(move |socket| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        let path = request(&mut stream)?;
        answer(&path, &mut stream)?;
        stream.conn.send_close_notify();
        stream.flush()
    })
}

/// Writes a response with a length and more headers.
pub fn respond(out: &mut dyn Write, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    write!(out, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len())?;
    out.write_all(body)?;
    out.flush()
}

fn listen(work: impl Fn(std::net::TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it listens");
    let work = Arc::new(work);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let work = Arc::clone(&work);
            // A client that goes away is part of the tests.
            std::thread::spawn(move || work(socket).ok());
        }
    });
    address
}

/// Reads a request; gives its path and, where there is one, what proves who asks: `/a Basic eDp5`.
fn request(stream: &mut impl Read) -> std::io::Result<String> {
    let mut lines = BufReader::with_capacity(1, stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((_, proof)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            path = format!("{path}{proof}");
        }
    }
    Ok(path)
}
