//! Folders, sent as differences: BuildKit gets the list of what is there, compares it with what it has of an earlier build, and
//! asks for the content of what is new to it.

use std::collections::BTreeMap;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::moby::filesync::packet::file_sync_server::FileSync;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::Slot;
use super::source::{Kind, Source};
use super::wanted;

/// How much of a file goes into one message.
const PIECE: usize = 128 << 10;
/// Messages on their way.
const QUEUE: usize = 32;

/// Bits of a mode as Go, and thus the protocol, has them.
const FOLDER: u32 = 1 << 31;
const LINK: u32 = 1 << 27;
const SETUID: u32 = 1 << 23;
const SETGID: u32 = 1 << 22;
const STICKY: u32 = 1 << 20;

/// What went over.
#[derive(Debug, Default)]
pub struct Sent {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Sent {
    pub fn get(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Why a file could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub path: String,
    pub reason: String,
}

pub struct Files {
    folders: BTreeMap<&'static str, Arc<dyn Source>>,
    sent: Arc<Sent>,
    trouble: Slot,
}

type Packets = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

impl Files {
    pub fn new(folders: BTreeMap<&'static str, Arc<dyn Source>>, sent: Arc<Sent>, trouble: Slot) -> Files {
        Files { folders, sent, trouble }
    }
}

#[tonic::async_trait]
impl FileSync for Files {
    type DiffCopyStream = Packets;
    type TarStreamStream = Packets;

    async fn diff_copy(&self, request: Request<Streaming<Packet>>) -> Result<Response<Packets>, Status> {
        let names = values(request.metadata(), "dir-name");
        let name = names.first().map(String::as_str).unwrap_or_default();
        let folder = self.folders.get(name).cloned();
        let folder = folder.ok_or_else(|| Status::not_found(format!("no folder `{name}` in this session")))?;
        let mut patterns = values(request.metadata(), "followpaths");
        patterns.extend(values(request.metadata(), "include-patterns"));
        let chosen = wanted::select(&*folder, &patterns);
        let chosen: Arc<[usize]> = chosen.into();
        let (packets, receiver) = mpsc::channel(QUEUE);
        let work = Work {
            folder: Arc::clone(&folder),
            chosen: Arc::clone(&chosen),
            packets,
            sent: Arc::clone(&self.sent),
            trouble: Arc::clone(&self.trouble),
        };
        TaskTracker::new().spawn(work.answer(request.into_inner()));
        let listed = (0..chosen.len()).map(move |place| Ok(listed(&stat(&*folder, chosen[place]))));
        let end = Packet {
            r#type: PacketType::PacketStat.into(),
            ..Packet::default()
        };
        let listing = stream::iter(listed.chain([Ok(end)]));
        Ok(Response::new(Box::pin(stream::select(listing, receiving(receiver)))))
    }

    async fn tar_stream(&self, _request: Request<Streaming<Packet>>) -> Result<Response<Packets>, Status> {
        Err(Status::unimplemented("folders are sent as differences only"))
    }
}

fn receiving(mut receiver: mpsc::Receiver<Result<Packet, Status>>) -> impl Stream<Item = Result<Packet, Status>> {
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// A header's values. What is not ASCII travels escaped, and says so.
fn values(metadata: &MetadataMap, name: &str) -> Vec<String> {
    let escaped = metadata
        .get(format!("{name}-encoded"))
        .is_some_and(|value| value == "1");
    let texts = metadata.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let plain = |text: &str| match escaped {
        true => percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned(),
        false => text.to_owned(),
    };
    texts.map(plain).collect()
}

fn listed(stat: &Stat) -> Packet {
    Packet {
        r#type: PacketType::PacketStat.into(),
        stat: Some(stat.clone()),
        ..Packet::default()
    }
}

fn stat(folder: &dyn Source, index: usize) -> Stat {
    let meta = folder.meta(index);
    let special = [(0o4000, SETUID), (0o2000, SETGID), (0o1000, STICKY)];
    let special = special.iter().filter(|(bit, _)| meta.mode & bit != 0).map(|(_, go)| go);
    let mode = special.fold(meta.mode & 0o777, |mode, bit| mode | bit);
    let (mode, size, linkname) = match meta.kind {
        Kind::Folder => (mode | FOLDER, 0, ""),
        Kind::File { size, same_as } => (mode, size, same_as.unwrap_or_default()),
        Kind::Link { target } => (0o777 | LINK, target.len() as u64, target),
    };
    Stat {
        path: meta.path.to_owned(),
        mode,
        // Files belong to root in an image, whoever they belong to here.
        uid: 0,
        gid: 0,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        mod_time: meta.written,
        linkname: linkname.to_owned(),
        ..Stat::default()
    }
}

/// One folder on its way.
struct Work {
    folder: Arc<dyn Source>,
    chosen: Arc<[usize]>,
    packets: mpsc::Sender<Result<Packet, Status>>,
    sent: Arc<Sent>,
    trouble: Slot,
}

impl Work {
    /// Answers requests for files until the other side has all it wants.
    async fn answer(self, mut requests: Streaming<Packet>) {
        let (asked, files) = std::sync::mpsc::channel::<u32>();
        let packets = self.packets.clone();
        let reader = tokio::task::spawn_blocking(move || self.read_all(&files));
        while let Some(Ok(packet)) = requests.next().await {
            match packet.r#type() {
                PacketType::PacketReq => {
                    if asked.send(packet.id).is_err() {
                        break;
                    }
                }
                PacketType::PacketFin => break,
                // The other side failed; how, it tells with the build.
                PacketType::PacketErr => return,
                PacketType::PacketStat | PacketType::PacketData => {}
            }
        }
        drop(asked);
        if let Ok(Ok(())) = reader.await {
            let end = Packet {
                r#type: PacketType::PacketFin.into(),
                ..Packet::default()
            };
            // Whoever does not listen any more needs no farewell.
            drop(packets.send(Ok(end)).await);
        }
    }

    fn read_all(&self, files: &std::sync::mpsc::Receiver<u32>) -> Result<(), ()> {
        let mut buffer = vec![0; PIECE];
        while let Ok(id) = files.recv() {
            self.read(id, &mut buffer)?;
        }
        Ok(())
    }

    fn read(&self, id: u32, buffer: &mut [u8]) -> Result<(), ()> {
        let Some(index) = self.chosen.get(id as usize).copied() else {
            let status = Status::invalid_argument(format!("file {id} was never announced"));
            return self.packets.blocking_send(Err(status)).map_err(drop).and(Err(()));
        };
        let copied = self.folder.open(index).and_then(|mut content| {
            loop {
                let length = content.read(buffer)?;
                self.sent.bytes.fetch_add(length as u64, Ordering::Relaxed);
                let packet = Packet {
                    r#type: PacketType::PacketData.into(),
                    id,
                    data: buffer[..length].to_vec(),
                    ..Packet::default()
                };
                // A message without data ends the file. Nobody listens where the build is over already.
                if self.packets.blocking_send(Ok(packet)).is_err() || length == 0 {
                    return Ok(());
                }
            }
        });
        self.sent.files.fetch_add(1, Ordering::Relaxed);
        copied.map_err(|error| self.fail(index, &error))
    }

    fn fail(&self, index: usize, error: &std::io::Error) {
        let trouble = Trouble {
            path: self.folder.meta(index).path.to_owned(),
            reason: crate::world::files::reason(error),
        };
        let status = Status::aborted(format!("{}: {}", trouble.path, trouble.reason));
        if let Ok(mut slot) = self.trouble.lock() {
            slot.get_or_insert(trouble);
        }
        // The build may be over already.
        drop(self.packets.blocking_send(Err(status)));
    }
}
