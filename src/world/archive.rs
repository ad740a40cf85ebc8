//! Folders as tar streams, for builders that take nothing else.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use crate::world::docker::session::{Kind, Source};

/// Pieces on their way.
const QUEUE: usize = 8;
const PIECE: usize = 256 << 10;

/// Several folders one over the other as one archive. A failure ends the stream with an error, never with a short archive.
pub fn stream(folders: Vec<Arc<dyn Source>>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    tokio::task::spawn_blocking(move || {
        let mut builder = Builder::new(Pieces {
            sender: sender.clone(),
            piece: Vec::with_capacity(PIECE),
        });
        let written = folders.iter().try_for_each(|folder| append(&mut builder, &**folder));
        let ended = written
            .and_then(|()| builder.into_inner())
            .and_then(|mut pieces| pieces.flush());
        if let Err(error) = ended {
            // Nobody is left to hear it where the stream was dropped.
            drop(sender.blocking_send(Err(error)));
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

fn append(builder: &mut Builder<Pieces>, folder: &dyn Source) -> io::Result<()> {
    for index in 0..folder.count() {
        let meta = folder.meta(index);
        let mut header = Header::new_gnu();
        header.set_mode(meta.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(u64::try_from(meta.written / 1_000_000_000).unwrap_or_default());
        header.set_size(0);
        match meta.kind {
            Kind::Folder => {
                header.set_entry_type(EntryType::Directory);
                builder.append_data(&mut header, format!("{}/", meta.path), io::empty())?;
            }
            Kind::Link { target } => {
                header.set_entry_type(EntryType::Symlink);
                builder.append_link(&mut header, meta.path, target)?;
            }
            Kind::File {
                same_as: Some(first), ..
            } => {
                header.set_entry_type(EntryType::Link);
                builder.append_link(&mut header, meta.path, first)?;
            }
            Kind::File { size, same_as: None } => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(size);
                let mut content = Exactly {
                    content: folder.open(index)?,
                    left: size,
                };
                builder.append_data(&mut header, meta.path, &mut content)?;
            }
        }
    }
    Ok(())
}

/// The announced length is written into the archive before the content, so no other one will do.
struct Exactly {
    content: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.content.read(into)?;
        if length as u64 > self.left || (length == 0 && !into.is_empty() && self.left > 0) {
            return Err(io::Error::other("changes while it is read"));
        }
        self.left -= length as u64;
        Ok(length)
    }
}

struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sent = self.sender.blocking_send(Ok(Bytes::from(piece)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
