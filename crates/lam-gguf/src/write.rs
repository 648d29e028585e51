//! A file, written: the header at once, then each tensor's bytes as they come, so that a piece of one is in memory at a
//! time. Knows no numbers.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::file::ALIGNMENT;
use crate::value::put_text;
use crate::{Format, Value};

/// The version that is written.
const VERSION: u32 = 3;

/// A file's metadata and the tensors that will follow it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// Values by key.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors, in the order in which they will lie there.
    pub tensors: Vec<Planned>,
}

/// A tensor that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// llama.cpp's name.
    pub name: String,
    /// Dimensions, rows first; the last one is a whole number of the format's blocks.
    pub shape: Vec<usize>,
    /// How its numbers will be stored.
    pub format: Format,
}

impl Planned {
    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        let (numbers, width) = self.format.block();
        let count: u64 = self.shape.iter().map(|size| *size as u64).product();
        count / numbers as u64 * width as u64
    }

    /// Its description, with its place among the tensors' bytes.
    fn describe(&self, offset: u64, out: &mut Vec<u8>) {
        put_text(&self.name, out);
        out.extend((self.shape.len() as u32).to_le_bytes());
        self.shape.iter().rev().for_each(|size| out.extend((*size as u64).to_le_bytes()));
        out.extend(self.format.number().to_le_bytes());
        out.extend(offset.to_le_bytes());
    }
}

impl Outline {
    /// Writes the file. `numbers` is asked for each tensor's bytes in turn, and may give them in pieces.
    ///
    /// # Errors
    /// What `numbers` or the writer says, and a tensor of which another number of bytes comes than was planned.
    pub fn write<W: Write, E: From<io::Error>>(
        &self,
        mut out: W,
        mut numbers: impl FnMut(&Planned, &mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        out.write_all(&self.header())?;
        for tensor in &self.tensors {
            let mut counted = Counted { out: &mut out, bytes: 0 };
            numbers(tensor, &mut counted)?;
            let (found, planned) = (counted.bytes, tensor.bytes());
            if found != planned {
                let reason = format!("tensor `{}` came as {found} bytes, planned were {planned}", tensor.name);
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason).into());
            }
            out.write_all(&vec![0; padding(found) as usize])?;
        }
        Ok(out.flush()?)
    }

    /// Everything up to the first tensor's bytes.
    fn header(&self) -> Vec<u8> {
        let mut header = b"GGUF".to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend((self.tensors.len() as u64).to_le_bytes());
        header.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_text(key, &mut header);
            value.write(&mut header);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            tensor.describe(offset, &mut header);
            offset += tensor.bytes() + padding(tensor.bytes());
        }
        header.resize(header.len() + padding(header.len() as u64) as usize, 0);
        header
    }
}

/// A writer that counts.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes between the end of something and the next tensor's beginning.
fn padding(end: u64) -> u64 {
    end.next_multiple_of(ALIGNMENT) - end
}
