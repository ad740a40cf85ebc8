//! Texts and archives of engines, read.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::stream;

use super::super::{RegistryError, manifest, saved};
use crate::model::image::Reference;
use crate::world::docker::RegistryAuth;

#[test]
fn what_engines_say_has_the_same_causes() {
    let name = Reference::parse("reg.test:5000/a/b:v1").expect("a name");
    let cause = |text: &str| {
        let found = RegistryError::of_engine(text, &name, &RegistryAuth::default());
        let shown = found.map(|error| format!("{error:?}")).unwrap_or_default();
        shown.split([' ', '{']).next().unwrap_or_default().to_owned()
    };
    let table = [
        ("denied: requested access to the resource is denied", "Denied"),
        ("unauthorized: authentication required", "Denied"),
        ("no basic auth credentials", "Denied"),
        (
            "Get \"https://reg.test:5000/v2/\": http: server gave HTTP response to HTTPS client",
            "Plain",
        ),
        (
            "Get \"https://reg.test:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused",
            "Unreachable",
        ),
        ("dial tcp: lookup reg.test on 1.1.1.1:53: no such host", "Unreachable"),
        ("toomanyrequests: You have reached your pull rate limit.", "Throttled"),
        ("received unexpected HTTP status: 500 Internal Server Error", "Unwell"),
        (
            "Get \"https://reg.test\": x509: certificate signed by unknown authority",
            "Untrusted",
        ),
        ("name unknown: The repository with name 'a/b' does not exist", "Missing"),
        (
            "write tcp 1.1.1.1:1->1.1.1.2:2: write: connection reset by peer",
            "CutOff",
        ),
        (
            "digest invalid: provided digest did not match uploaded content",
            "Damaged",
        ),
        (
            "error parsing HTTP 429 response body: unexpected end of JSON input: \"\"",
            "Throttled",
        ),
        (
            "error parsing HTTP 403 response body: unexpected end of JSON input: \"\"",
            "Denied",
        ),
        (
            "error parsing HTTP 503 response body: invalid character '<' looking for beginning of value",
            "Unwell",
        ),
        ("tag does not exist: reg.test:5000/a/b:v1", ""),
    ];
    for (text, expected) in table {
        assert_eq!(cause(text), expected, "{text}");
    }
}

/// An entry of an archive: a file, or a link to another entry.
enum Entry<'a> {
    File(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        match entry {
            Entry::File(name, content) => {
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, name, *content).expect("appended");
            }
            Entry::Link(name, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, name, target).expect("appended");
            }
        }
    }
    builder.into_inner().expect("an archive")
}

async fn read(archive: &[u8], there: &[String]) -> Result<(Bytes, Vec<(String, bool)>), String> {
    let folder = tempfile::tempdir().expect("a folder");
    // Cut where no reader expects it.
    let pieces: Vec<_> = archive
        .chunks(777)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let there: HashSet<String> = there.iter().cloned().collect();
    let saved = saved::read(stream::iter(pieces), folder.path(), there).await;
    let saved = saved.map_err(|error| error.to_string())?;
    let layers = saved
        .layers
        .into_iter()
        .map(|layer| (layer.plain, layer.file.is_some()));
    Ok((saved.config, layers.collect()))
}

#[tokio::test]
async fn both_layouts_of_saved_images_are_read() {
    let (one, two) = (b"layer one".as_slice(), b"layer two".as_slice());
    let digests = [one, two].map(manifest::digest_of);
    let config = format!(
        r#"{{"rootfs":{{"diff_ids":["{0}","{1}","{0}"]}}}}"#,
        digests[0], digests[1]
    );
    let old_index = r#"[{"Config":"c.json","Layers":["aa/layer.tar","bb/layer.tar","cc/layer.tar"]}]"#;
    let old = archive(&[
        Entry::File("aa/layer.tar", one),
        Entry::File("bb/layer.tar", two),
        Entry::Link("cc/layer.tar", "../aa/layer.tar"),
        Entry::File("c.json", config.as_bytes()),
        Entry::File("manifest.json", old_index.as_bytes()),
    ]);
    let names = digests.clone().map(|digest| digest.replace("sha256:", "blobs/sha256/"));
    let new_index = format!(
        r#"[{{"Config":"blobs/sha256/cc","Layers":["{0}","{1}","{0}"]}}]"#,
        names[0], names[1]
    );
    let new = archive(&[
        Entry::File("manifest.json", new_index.as_bytes()),
        Entry::File("blobs/sha256/cc", config.as_bytes()),
        Entry::File(&names[0], one),
        Entry::File(&names[1], two),
    ]);
    for archive in [old, new] {
        let (read_config, layers) = read(&archive, &digests[1..]).await.expect("read");
        assert_eq!(read_config, config.as_bytes());
        let expected = [(&digests[0], true), (&digests[1], false), (&digests[0], true)];
        assert_eq!(layers, expected.map(|(digest, there)| (digest.clone(), there)));
        let error = read(&archive[..1024], &[]).await.expect_err("cut off");
        assert!(!error.is_empty());
    }
}

#[tokio::test]
async fn an_archive_without_an_image_says_what_it_lacks() {
    let error = read(&archive(&[Entry::File("x", b"y")]), &[])
        .await
        .expect_err("nothing in it");
    assert_eq!(error, "its archive lacks `manifest.json`");
    let index = br#"[{"Config":"c","Layers":[]}]"#;
    let error = read(&archive(&[Entry::File("manifest.json", index)]), &[])
        .await
        .expect_err("no configuration");
    assert_eq!(error, "its archive lacks `c`");
}
