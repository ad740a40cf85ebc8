//! One client, from `initialize` to `exit`.

use std::panic::{self, AssertUnwindSafe};

use anyhow::bail;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Exit,
    Notification as _, PublishDiagnostics,
};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, GotoDefinition, HoverRequest, Initialize, Request as _, Shutdown,
    SignatureHelpRequest,
};
use lsp_types::{
    CompletionList, CompletionOptions, CompletionParams, CompletionResponse, DocumentSymbolParams,
    DocumentSymbolResponse, GotoDefinitionResponse, HoverProviderCapability, InitializeParams, InitializeResult,
    Location, OneOf, PublishDiagnosticsParams, ServerCapabilities, ServerInfo, SignatureHelpOptions,
    TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::lsp::place::{Encoding, Lines};
use crate::cli::lsp::workspace::{Open, Workspace};
use crate::cli::lsp::{Extensions, convert, uri};
use crate::cli::output;
use crate::tiltfile::analysis::{Surroundings, Target};

pub struct Session {
    phase: Phase,
    encoding: Encoding,
    workspace: Workspace,
    /// Documents whose diagnostics are to be taken back.
    closed: Vec<Uri>,
    /// Whether something changed since diagnostics were last published.
    is_stale: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    Fresh,
    Running,
    /// After `shutdown`.
    Ending,
}

/// Why a request got no answer.
struct Refusal {
    code: ErrorCode,
    message: String,
}

type Answer = Result<Value, Refusal>;

impl Session {
    pub fn new(extensions: Extensions) -> Session {
        Session {
            phase: Phase::Fresh,
            encoding: Encoding::Utf16,
            workspace: Workspace::new(extensions),
            closed: Vec::new(),
            is_stale: false,
        }
    }

    /// Serves until the client says `exit` or goes away; an `exit` without `shutdown` is an error.
    pub fn run(mut self, connection: &Connection) -> anyhow::Result<()> {
        for message in &connection.receiver {
            let outgoing = match message {
                Message::Request(request) => vec![Message::Response(self.respond(request))],
                Message::Notification(notification) if notification.method == Exit::METHOD => {
                    return self.exit();
                }
                Message::Notification(notification) => {
                    self.note(notification);
                    Vec::new()
                }
                // We ask nothing.
                Message::Response(_) => Vec::new(),
            };
            // Only for the last of several changes that came at once.
            let diagnostics = if self.is_stale && connection.receiver.is_empty() {
                self.diagnostics()
            } else {
                Vec::new()
            };
            for message in outgoing.into_iter().chain(diagnostics) {
                if connection.sender.send(message).is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn exit(&self) -> anyhow::Result<()> {
        match self.phase {
            Phase::Ending => Ok(()),
            Phase::Fresh | Phase::Running => bail!("the client sent `exit` without `shutdown`"),
        }
    }

    fn respond(&mut self, request: Request) -> Response {
        let id = request.id.clone();
        // A bug in the analysis of one document must not take the others away.
        let answer = panic::catch_unwind(AssertUnwindSafe(|| self.answer(request))).unwrap_or_else(|_| {
            Err(Refusal {
                code: ErrorCode::InternalError,
                message: "the server panicked; this is a bug in tilt".to_owned(),
            })
        });
        response(id, answer)
    }

    fn answer(&mut self, request: Request) -> Answer {
        let method = request.method.as_str();
        match (self.phase, method) {
            (Phase::Fresh, Initialize::METHOD) => return self.initialize(request.params),
            (Phase::Fresh, _) => {
                return refused(ErrorCode::ServerNotInitialized, "`initialize` comes first");
            }
            (Phase::Ending, _) => {
                return refused(ErrorCode::InvalidRequest, "the server is shutting down");
            }
            (Phase::Running, Initialize::METHOD) => {
                return refused(ErrorCode::InvalidRequest, "`initialize` comes once");
            }
            (Phase::Running, _) => {}
        }
        match method {
            Shutdown::METHOD => {
                self.phase = Phase::Ending;
                Ok(Value::Null)
            }
            Completion::METHOD => self.completion(request.params),
            HoverRequest::METHOD => self.at(request.params, |place| {
                let hover = place.open.document.hover(place.offset, place.workspace);
                hover.map(|hover| convert::hover(hover, &place.lines))
            }),
            SignatureHelpRequest::METHOD => self.at(request.params, |place| {
                place
                    .open
                    .document
                    .signature_help(place.offset, place.workspace)
                    .map(convert::signature)
            }),
            GotoDefinition::METHOD => self.at(request.params, |place| place.definition(self.encoding)),
            DocumentSymbolRequest::METHOD => self.symbols(request.params),
            other => refused(ErrorCode::MethodNotFound, &format!("no method `{other}`")),
        }
    }

    fn initialize(&mut self, params: Value) -> Answer {
        let params: InitializeParams = parsed(params)?;
        let general = params.capabilities.general;
        self.encoding = Encoding::chosen(general.and_then(|general| general.position_encodings).as_deref());
        self.phase = Phase::Running;
        answered(InitializeResult {
            capabilities: capabilities(self.encoding),
            server_info: Some(ServerInfo {
                name: "tilt".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    fn completion(&self, params: Value) -> Answer {
        let params: CompletionParams = parsed(params)?;
        let typed = params.context.and_then(|context| context.trigger_character);
        let position = params.text_document_position;
        let found = self.located(&position, |place| {
            let document = &place.open.document;
            // A quote or slash starts a completion only where it opened a string, not where it closed one.
            let only_in_text = typed.as_deref().is_some_and(|typed| ["'", "\"", "/"].contains(&typed));
            if only_in_text && !document.is_in_text(place.offset) {
                return None;
            }
            let candidates = document.complete(place.offset, place.workspace).into_iter();
            let items = candidates
                .map(|candidate| convert::completion(candidate, &place.lines))
                .collect();
            Some(CompletionResponse::List(CompletionList {
                is_incomplete: false,
                items,
            }))
        });
        answered(found)
    }

    fn symbols(&self, params: Value) -> Answer {
        let params: DocumentSymbolParams = parsed(params)?;
        answered(self.workspace.get(&params.text_document.uri).map(|open| {
            let lines = Lines::new(open.document.text(), self.encoding);
            let symbols = open.document.symbols().into_iter();
            DocumentSymbolResponse::Nested(symbols.map(|symbol| convert::symbol(symbol, &lines)).collect())
        }))
    }

    /// Answers a question about a place of an open document; `null` where there is nothing to say.
    fn at<T: Serialize>(&self, params: Value, ask: impl FnOnce(&Place) -> Option<T>) -> Answer {
        let position: TextDocumentPositionParams = parsed(params)?;
        answered(self.located(&position, ask))
    }

    fn located<T>(&self, position: &TextDocumentPositionParams, ask: impl FnOnce(&Place) -> Option<T>) -> Option<T> {
        let open = self.workspace.get(&position.text_document.uri)?;
        let lines = Lines::new(open.document.text(), self.encoding);
        let offset = lines.offset(position.position);
        ask(&Place {
            open,
            lines,
            offset,
            workspace: &self.workspace,
        })
    }

    fn note(&mut self, notification: Notification) {
        if self.phase != Phase::Running {
            return;
        }
        let method = notification.method.clone();
        let noted = panic::catch_unwind(AssertUnwindSafe(|| self.apply(notification)));
        match noted {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => output::say(format_args!("tilt lsp: {method}: {}", refusal.message)),
            Err(_) => output::say(format_args!(
                "tilt lsp: {method}: the server panicked; this is a bug in tilt"
            )),
        }
    }

    fn apply(&mut self, notification: Notification) -> Result<(), Refusal> {
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let opened: lsp_types::DidOpenTextDocumentParams = parsed(notification.params)?;
                let document = opened.text_document;
                self.workspace.put(document.uri, document.version, document.text);
            }
            DidChangeTextDocument::METHOD => {
                let changed: lsp_types::DidChangeTextDocumentParams = parsed(notification.params)?;
                let document = changed.text_document;
                self.workspace
                    .change(document.uri, document.version, changed.content_changes, self.encoding);
            }
            DidCloseTextDocument::METHOD => {
                let closed: lsp_types::DidCloseTextDocumentParams = parsed(notification.params)?;
                self.workspace.close(&closed.text_document.uri);
                self.closed.push(closed.text_document.uri);
            }
            // Files that documents load may have changed.
            DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD => {}
            _ => return Ok(()),
        }
        self.is_stale = true;
        Ok(())
    }

    /// Diagnostics of all open documents: each may load the one that changed.
    fn diagnostics(&mut self) -> Vec<Message> {
        self.is_stale = false;
        let closed = std::mem::take(&mut self.closed)
            .into_iter()
            .filter(|uri| self.workspace.get(uri).is_none());
        let cleared: Vec<Message> = closed
            .map(|uri| publish(PublishDiagnosticsParams::new(uri, Vec::new(), None)))
            .collect();
        let published = self.workspace.all().map(|open| {
            let lines = Lines::new(open.document.text(), self.encoding);
            let checked = panic::catch_unwind(AssertUnwindSafe(|| open.document.mistakes(&self.workspace)));
            let mistakes = checked.unwrap_or_default().into_iter();
            let diagnostics = mistakes.map(|mistake| convert::diagnostic(mistake, &lines)).collect();
            publish(PublishDiagnosticsParams::new(
                open.uri.clone(),
                diagnostics,
                Some(open.version),
            ))
        });
        cleared.into_iter().chain(published).collect()
    }
}

/// A place in an open document.
struct Place<'s> {
    open: &'s Open,
    lines: Lines<'s>,
    offset: usize,
    workspace: &'s Workspace,
}

impl Place<'_> {
    fn definition(&self, encoding: Encoding) -> Option<GotoDefinitionResponse> {
        let location = match self.open.document.definition(self.offset, self.workspace)? {
            Target::Here(range) => Location::new(self.open.uri.clone(), self.lines.range(range)),
            Target::There { file, range } => {
                let text = self.workspace.text(&file)?;
                let target: Uri = uri::of_path(&file)?;
                Location::new(target, Lines::new(&text, encoding).range(range))
            }
        };
        Some(GotoDefinitionResponse::Scalar(location))
    }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    let characters = |all: &[&str]| Some(all.iter().map(|c| (*c).to_owned()).collect());
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: characters(&[".", "'", "\"", "/", "("]),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: characters(&["(", ",", "="]),
            ..SignatureHelpOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

fn parsed<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| Refusal {
        code: ErrorCode::InvalidParams,
        message: error.to_string(),
    })
}

fn answered(answer: impl Serialize) -> Answer {
    serde_json::to_value(answer).map_err(|error| Refusal {
        code: ErrorCode::InternalError,
        message: error.to_string(),
    })
}

fn refused(code: ErrorCode, message: &str) -> Answer {
    Err(Refusal {
        code,
        message: message.to_owned(),
    })
}

fn response(id: RequestId, answer: Answer) -> Response {
    match answer {
        Ok(result) => Response::new_ok(id, result),
        Err(refusal) => Response::new_err(id, refusal.code as i32, refusal.message),
    }
}

fn publish(params: PublishDiagnosticsParams) -> Message {
    Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_owned(), params))
}
