//! Reading what `-f` and `-k` name: files, folders, standard input, URLs, kustomizations.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioExecutor;

use super::args::Files;
use super::report::refusal;
use super::source::{self, Written};
use super::surroundings::Surroundings;
use crate::cli::client;
use crate::cli::exit::Exit;
use crate::world::files;
use crate::world::process::{self, Invocation};

/// A larger document is none that somebody wrote.
const MOST_BYTES: usize = 128 << 20;

/// Every object that the files hold, in order.
pub async fn objects(files: &Files, here: &Surroundings) -> Result<Vec<Written>, Exit> {
    let mut written = Vec::new();
    for (name, text) in texts(files, here).await? {
        written.extend(source::objects(&name, &text).map_err(refusal)?);
    }
    Ok(written)
}

/// What each file is called, and what it says.
async fn texts(given: &Files, here: &Surroundings) -> Result<Vec<(String, String)>, Exit> {
    if let Some(folder) = &given.kustomize {
        return Ok(vec![(folder.clone(), kustomized(folder, here)?)]);
    }
    let mut texts = Vec::new();
    for name in &given.filename {
        if name == "-" {
            texts.push(("STDIN".to_owned(), standard_input()?));
        } else if name.starts_with("http://") || name.starts_with("https://") {
            texts.push((name.clone(), fetched(name, here).await?));
        } else {
            for path in paths(name, given, here)? {
                let text = files::read_text(&here.path(&path)).map_err(refusal)?;
                texts.push((path.display().to_string(), text));
            }
        }
    }
    Ok(texts)
}

pub fn standard_input() -> Result<String, Exit> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| refusal(format!("cannot read standard input: {error}")))?;
    Ok(text)
}

/// The file itself, or the files of a folder that can hold objects, sorted by name.
fn paths(name: &str, given: &Files, here: &Surroundings) -> Result<Vec<PathBuf>, Exit> {
    let path = here.path(name);
    if !files::exists(&path) {
        return Err(refusal(format!("the path {name:?} does not exist")));
    }
    if !files::is_folder(&path) {
        return Ok(vec![PathBuf::from(name)]);
    }
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(name)];
    while let Some(folder) = folders.pop() {
        for child in files::children(&here.path(&folder)).map_err(refusal)? {
            let child = folder.join(child.file_name().unwrap_or_default());
            if files::is_folder(&here.path(&child)) {
                folders.extend(given.recursive.then_some(child));
            } else if holds_objects(&child) {
                found.push(child);
            }
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(refusal(format!(
            "error reading [{name}]: recognized file extensions are [.json .yaml .yml]"
        )));
    }
    Ok(found)
}

fn holds_objects(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("json" | "yaml" | "yml"))
}

fn kustomized(folder: &str, here: &Surroundings) -> Result<String, Exit> {
    let argv = ["kubectl", "kustomize", folder].map(str::to_owned).to_vec();
    let output = process::capture(&Invocation {
        argv,
        dir: here.here.clone(),
        env: here.variables.clone(),
        ..Invocation::default()
    });
    let output = output.map_err(refusal)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn fetched(url: &str, here: &Surroundings) -> Result<String, Exit> {
    let failed = |problem: String| refusal(format!("unable to read URL {url:?}, {problem}"));
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(client::trusting(&client::system_roots(|name| here.variable(name)))?)
        .https_or_http()
        .enable_http1()
        .build();
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
    let mut target = url.to_owned();
    for _ in 0..10 {
        let uri: hyper::Uri = target.parse().map_err(|error| failed(format!("{error}")))?;
        let response = http.get(uri).await.map_err(|error| failed(cause(&error)))?;
        let status = response.status();
        let moved = response
            .headers()
            .get(hyper::header::LOCATION)
            .and_then(|to| to.to_str().ok());
        if let Some(to) = moved.filter(|_| status.is_redirection()) {
            target = redirected(&target, to);
            continue;
        }
        if !status.is_success() {
            return Err(failed(format!(
                "server reported {status}, status code={}",
                status.as_u16()
            )));
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        let bytes = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    Err(failed("stopped after 10 redirects".to_owned()))
}

/// The innermost reason; what stands around it names layers of the library.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn redirected(from: &str, to: &str) -> String {
    if to.contains("://") {
        return to.to_owned();
    }
    let host_ends = from
        .find("://")
        .and_then(|at| from[at + 3..].find('/').map(|slash| at + 3 + slash));
    format!("{}{to}", &from[..host_ends.unwrap_or(from.len())])
}
