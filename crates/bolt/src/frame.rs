//! Chunks to messages: a message is a run of chunks with an empty one at its end.

/// Bytes of a message before the client has logged in.
pub const MESSAGE_MAX_BYTES_BEFORE_LOGIN: usize = 64 * 1024;

/// Bytes of a message after login, unless configured otherwise.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Data of one chunk; its length is two bytes.
pub const CHUNK_MAX_BYTES: usize = 0xFFFF;

/// A buffer that grew beyond this for one message is given back after it.
const KEPT_MAX_BYTES: usize = 256 * 1024;

/// Why bytes cannot become a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The message is longer than this connection may send now; close it.
    #[error("message is longer than {message_max_bytes} bytes")]
    TooLong {
        /// The bound that was passed.
        message_max_bytes: usize,
    },
}

impl FrameError {
    /// Gives the code that the client is told.
    #[must_use]
    pub fn code(self) -> types::Code {
        match self {
            Self::TooLong { .. } => types::Code::RequestInvalid,
        }
    }
}

/// Takes bytes as they come and gives whole messages.
///
/// Holds at most one message of the allowed length and what the caller fed beyond it.
#[derive(Debug)]
pub struct Framer {
    input: Vec<u8>,
    /// Bytes of `input` that are used up.
    used: usize,
    message: Vec<u8>,
    /// Whether `message` was handed out and starts anew.
    handed_out: bool,
    message_max_bytes: usize,
}

impl Framer {
    /// Starts empty, with a bound on the length of one message.
    #[must_use]
    pub fn new(message_max_bytes: usize) -> Self {
        Self { input: Vec::new(), used: 0, message: Vec::new(), handed_out: false, message_max_bytes }
    }

    /// Changes the bound: it is small before a login.
    pub fn set_message_max_bytes(&mut self, message_max_bytes: usize) {
        self.message_max_bytes = message_max_bytes;
    }

    /// Adds bytes from the wire.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input().extend_from_slice(bytes);
    }

    /// Gives the buffer behind [`Self::feed`], for readers that append to it themselves.
    pub fn input(&mut self) -> &mut Vec<u8> {
        if self.used == self.input.len() {
            self.input.clear();
            if self.input.capacity() > KEPT_MAX_BYTES {
                self.input = Vec::new();
            }
        } else if self.used > 0 {
            self.input.drain(..self.used);
        }
        self.used = 0;
        &mut self.input
    }

    /// Gives the next whole message, or `None` until more bytes are fed.
    ///
    /// Empty chunks between messages are keep-alives and are passed over.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, FrameError> {
        self.start_anew();
        while let Some((&[high, low], rest)) = self.input[self.used..].split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length == 0 {
                self.used += 2;
                if self.message.is_empty() {
                    continue;
                }
                self.handed_out = true;
                return Ok(Some(&self.message));
            }
            // Asked before the chunk is complete: the bound holds for what is announced.
            if self.message.len() + length > self.message_max_bytes {
                return Err(FrameError::TooLong { message_max_bytes: self.message_max_bytes });
            }
            let Some(data) = rest.get(..length) else { break };
            self.message.extend_from_slice(data);
            self.used += 2 + length;
        }
        Ok(None)
    }

    /// Tells whether a message that satisfies `wanted` waits among the fed bytes. Takes nothing.
    ///
    /// Sees messages of one chunk that are there in full, which is how every short message is sent.
    #[must_use]
    pub fn has_waiting(&self, wanted: impl Fn(&[u8]) -> bool) -> bool {
        let mut rest = &self.input[self.used..];
        // A message that is partly taken goes on first.
        let mut begins = self.message.is_empty() || self.handed_out;
        while let Some((&[high, low], after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some((data, after)) = after.split_at_checked(length) else { break };
            if begins && length > 0 && after.starts_with(&[0, 0]) && wanted(data) {
                return true;
            }
            begins = length == 0;
            rest = after;
        }
        false
    }

    /// Tells how many fed bytes are not yet part of a message.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.input.len() - self.used
    }

    /// Tells how many bytes are here of messages that were not handed out.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.waiting_bytes() + if self.handed_out { 0 } else { self.message.len() }
    }

    fn start_anew(&mut self) {
        if !self.handed_out {
            return;
        }
        self.handed_out = false;
        self.message.clear();
        if self.message.capacity() > KEPT_MAX_BYTES {
            self.message = Vec::new();
        }
    }
}

/// Opens a message at the end of `out`; give the result to [`close`].
pub(crate) fn open(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    start
}

/// Closes a message: writes the lengths of its chunks and the empty chunk.
///
/// The body was written in one piece behind room for one length. Only a message longer than a chunk has to move,
/// once, to make room for more.
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    let body = out.len() - start - 2;
    let chunks = body.div_ceil(CHUNK_MAX_BYTES).max(1);
    let body_start = start + 2;
    out.resize(out.len() + 2 * (chunks - 1), 0);
    for chunk in (0..chunks).rev() {
        let from = body_start + chunk * CHUNK_MAX_BYTES;
        let length = (body - chunk * CHUNK_MAX_BYTES).min(CHUNK_MAX_BYTES);
        let to = from + 2 * chunk;
        out.copy_within(from..from + length, to);
        let header = u16::try_from(length).expect("a chunk is at most 65,535 bytes");
        out[to - 2..to].copy_from_slice(&header.to_be_bytes());
    }
    out.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut out = vec![0xEE];
        let start = open(&mut out);
        out.extend_from_slice(body);
        close(&mut out, start);
        out.split_off(1)
    }

    fn check(body: &[u8], step: usize) {
        let mut framer = Framer::new(1 << 20);
        let mut wire = vec![0, 0];
        wire.extend(framed(body));
        wire.extend([0, 0, 0, 0]);
        wire.extend(framed(body));
        let mut got = 0;
        for piece in wire.chunks(step) {
            framer.feed(piece);
            while let Some(message) = framer.next_message().expect("within bounds") {
                assert!(message == body);
                got += 1;
            }
        }
        assert_eq!(got, 2);
    }

    #[test]
    fn messages_of_any_length_come_back() {
        for length in [1, 2, 100, CHUNK_MAX_BYTES - 1, CHUNK_MAX_BYTES, CHUNK_MAX_BYTES + 1, 3 * CHUNK_MAX_BYTES + 7] {
            let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            check(&body, 4096);
            check(&body, wire_all());
        }
        check(b"abc", 1);
    }

    fn wire_all() -> usize {
        usize::MAX
    }

    #[test]
    fn a_small_message_is_one_chunk() {
        assert_eq!(framed(b"hi"), [0, 2, b'h', b'i', 0, 0]);
    }

    #[test]
    fn a_reset_is_seen_behind_other_messages() {
        let reset = |message: &[u8]| message == [0xB0, 0x0F];
        let mut framer = Framer::new(1 << 20);
        framer.feed(&[0, 1, 7, 0, 0, 0, 0, 0, 2, 0xB0, 0x0F, 0]);
        assert!(!framer.has_waiting(reset));
        framer.feed(&[0]);
        assert!(framer.has_waiting(reset));
        // The same bytes as the middle of a longer message are no reset.
        let mut framer = Framer::new(1 << 20);
        framer.feed(&[0, 1, 7, 0, 2, 0xB0, 0x0F, 0, 0]);
        assert!(!framer.has_waiting(reset));
        assert_eq!(framer.waiting_bytes(), 9);
    }

    #[test]
    fn a_message_over_the_bound_is_refused_when_announced() {
        let mut framer = Framer::new(4);
        framer.feed(&[0, 3, 1, 2, 3, 0, 2]);
        assert_eq!(framer.next_message(), Err(FrameError::TooLong { message_max_bytes: 4 }));
        framer.set_message_max_bytes(5);
        framer.feed(&[4, 5, 0, 0]);
        assert_eq!(framer.next_message(), Ok(Some(&[1, 2, 3, 4, 5][..])));
    }
}
