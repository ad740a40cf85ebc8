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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use futures_util::StreamExt;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::model::filter::Filter;
    use crate::world::docker::session::{Content, Meta, Texts};
    use crate::world::tree::{Hashes, Tree};

    async fn all(folders: Vec<Arc<dyn Source>>) -> io::Result<Vec<u8>> {
        let mut pieces = Box::pin(stream(folders));
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    fn texts(files: &[(&str, &str)]) -> Arc<dyn Source> {
        let owned = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Arc::new(Texts::new(owned))
    }

    fn tree(root: &std::path::Path) -> Tree {
        let stop = CancellationToken::new();
        let mut tree = Tree::walk(root, &Filter::default(), &stop).unwrap();
        let hashes = Hashes::open(root.with_extension("hashes"));
        hashes.hash(&mut tree, &Filter::default(), &stop).unwrap();
        tree
    }

    #[tokio::test]
    async fn what_is_unpacked_is_what_was_packed() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let long = format!("{}/{}", "long".repeat(50), "ü☃".repeat(40));
        std::fs::create_dir_all(from.join(&long).parent().unwrap()).unwrap();
        std::fs::create_dir_all(from.join("empty folder")).unwrap();
        let large: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        for (name, content, mode) in [
            (long.as_str(), b"long".as_slice(), 0o644),
            ("large", &large, 0o600),
            ("exact", &[7; 512], 0o755),
            ("nothing", b"", 0o444),
            ("first", b"shared", 0o644),
        ] {
            std::fs::write(from.join(name), content).unwrap();
            std::fs::set_permissions(from.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::hard_link(from.join("first"), from.join("second")).unwrap();
        symlink("s".repeat(200), from.join("link")).unwrap();
        let packed = all(vec![Arc::new(tree(&from))]).await.unwrap();
        let mut archive = tar::Archive::new(packed.as_slice());
        let owners = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().header().uid().unwrap());
        assert_eq!(owners.max(), Some(0));
        let mut archive = tar::Archive::new(packed.as_slice());
        archive.set_preserve_permissions(true);
        archive.unpack(&to).unwrap();
        let (before, after) = (tree(&from), tree(&to));
        let told = |tree: &Tree| -> Vec<_> {
            let entries = tree.entries.iter();
            let told = entries.map(|it| (it.path.clone(), it.kind.clone(), it.mode, it.hash, it.hard_link.clone()));
            told.collect()
        };
        assert_eq!(told(&before), told(&after));
        assert_eq!(std::fs::metadata(to.join("second")).unwrap().nlink(), 2);
    }

    #[tokio::test]
    async fn folders_lie_one_over_the_other() {
        let packed = all(vec![texts(&[("a", "below")]), texts(&[("a", "above"), ("b", "b")])]).await;
        let folder = tempfile::tempdir().unwrap();
        tar::Archive::new(packed.unwrap().as_slice())
            .unpack(folder.path())
            .unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "above");
        assert_eq!(std::fs::read_to_string(folder.path().join("b")).unwrap(), "b");
    }

    /// A file that says of itself that it has ten bytes.
    struct Ten(usize);

    impl Source for Ten {
        fn count(&self) -> usize {
            1
        }

        fn meta(&self, _: usize) -> Meta<'_> {
            Meta {
                path: "ten",
                kind: Kind::File {
                    size: 10,
                    same_as: None,
                },
                mode: 0o644,
                written: 0,
            }
        }

        fn open(&self, _: usize) -> io::Result<Content> {
            Ok(Box::new(io::Cursor::new(vec![7; self.0])))
        }
    }

    #[tokio::test]
    async fn content_of_another_length_than_announced_ends_in_an_error() {
        assert!(all(vec![Arc::new(Ten(10))]).await.is_ok());
        for length in [0, 9, 11, 1 << 20] {
            let ended = all(vec![Arc::new(Ten(length))]).await;
            let error = ended.expect_err(&format!("{length} bytes are not ten"));
            assert_eq!(error.to_string(), "changes while it is read", "{length}");
        }
    }
}
