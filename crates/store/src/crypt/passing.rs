//! Temporary files that nobody reads but who wrote them: sealed under a key that is nowhere but in memory.
//! Start reading at [`PassingWriter`].

use std::io::{self, ErrorKind, Read, Write};

use super::cipher::{DataKey, SEAL_BYTES, clear};

/// Bytes that are sealed at a time, and kept in memory on either way.
const CHUNK_BYTES: usize = 256 << 10;

/// The key of one temporary file; when it is dropped nobody reads the file any more.
pub struct PassingKey(DataKey);

/// Seals what is written to it, in chunks.
pub struct PassingWriter<W> {
    out: W,
    key: DataKey,
    chunks: u64,
    open: Vec<u8>,
}

impl<W: Write> PassingWriter<W> {
    /// Makes up a key and writes nothing yet.
    pub fn new(out: W) -> Self {
        let (key, mut secret) = DataKey::new();
        clear(&mut secret);
        Self { out, key, chunks: 0, open: Vec::with_capacity(CHUNK_BYTES) }
    }

    /// Writes what is left; gives what it wrote to, and the key that [`PassingReader`] needs.
    pub fn finish(mut self) -> io::Result<(W, PassingKey)> {
        self.chunk()?;
        Ok((self.out, PassingKey(self.key)))
    }

    fn chunk(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut sealed = vec![0; self.open.len() + SEAL_BYTES];
        self.key.seal(&self.chunks.to_le_bytes(), &self.open, &mut sealed);
        let bytes = u32::try_from(self.open.len()).expect("a chunk is short");
        self.out.write_all(&bytes.to_le_bytes())?;
        self.out.write_all(&sealed)?;
        self.chunks += 1;
        self.open.clear();
        Ok(())
    }
}

impl<W: Write> Write for PassingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.len() == CHUNK_BYTES {
            self.chunk()?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.open.len());
        self.open.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.chunk()?;
        self.out.flush()
    }
}

/// Opens what a [`PassingWriter`] sealed, from its beginning.
pub struct PassingReader<R> {
    input: R,
    key: PassingKey,
    chunks: u64,
    open: Vec<u8>,
    at: usize,
}

impl<R: Read> PassingReader<R> {
    /// Begins with the first chunk.
    pub fn new(input: R, key: PassingKey) -> Self {
        Self { input, key, chunks: 0, open: Vec::new(), at: 0 }
    }

    fn chunk(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        (self.at, self.open) = (0, std::mem::take(&mut self.open));
        self.open.clear();
        match self.input.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let bytes = (u32::from_le_bytes(length) as usize).min(CHUNK_BYTES);
        let mut sealed = vec![0; bytes + SEAL_BYTES];
        self.input.read_exact(&mut sealed)?;
        self.open.resize(bytes, 0);
        if !self.key.0.open(&self.chunks.to_le_bytes(), &sealed, &mut self.open) {
            return Err(io::Error::new(ErrorKind::InvalidData, "a temporary file is not as it was written"));
        }
        self.chunks += 1;
        Ok(())
    }
}

impl<R: Read> Read for PassingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.open.len() {
            self.chunk()?;
        }
        let taken = out.len().min(self.open.len() - self.at);
        out[..taken].copy_from_slice(&self.open[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f98_temporary_files_show_nothing_and_come_back() {
        let text = "a-secret-that-nobody-reads ".repeat(30_000);
        let mut writer = PassingWriter::new(Vec::new());
        writer.write_all(text.as_bytes()).expect("memory has room");
        let (sealed, key) = writer.finish().expect("memory has room");
        assert!(!sealed.windows(8).any(|window| window == b"a-secret"));
        let mut back = String::new();
        PassingReader::new(&sealed[..], key).read_to_string(&mut back).expect("it is as it was written");
        assert!(back == text);
        let (mut sealed, key) = PassingWriter::new(Vec::new()).finish().map(|(_, key)| (sealed, key)).expect("empty");
        sealed.truncate(100_000);
        assert!(PassingReader::new(&sealed[..], key).read_to_string(&mut back).is_err(), "another key opens nothing");
    }
}
