//! Pure. Answers of the analysis in the protocol's form.

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Diagnostic, DiagnosticSeverity, DocumentSymbol,
    Documentation, Hover, HoverContents, MarkupContent, MarkupKind, ParameterInformation, ParameterLabel,
    SignatureHelp, SignatureInformation, TextEdit,
};

use crate::cli::lsp::place::Lines;
use crate::tiltfile::analysis::{
    Candidate, CandidateKind, Explanation, Mistake, Severity, SignatureHint, Symbol, SymbolKind,
};

pub fn completion(candidate: Candidate, lines: &Lines) -> CompletionItem {
    CompletionItem {
        sort_text: Some(format!("{} {}", candidate.rank, candidate.label)),
        filter_text: Some(candidate.label.clone()),
        label: candidate.label,
        kind: Some(match candidate.kind {
            CandidateKind::Function => CompletionItemKind::FUNCTION,
            CandidateKind::Method => CompletionItemKind::METHOD,
            CandidateKind::Variable => CompletionItemKind::VARIABLE,
            CandidateKind::Constant => CompletionItemKind::CONSTANT,
            CandidateKind::Field | CandidateKind::Argument => CompletionItemKind::FIELD,
            CandidateKind::Module => CompletionItemKind::MODULE,
            CandidateKind::Keyword => CompletionItemKind::KEYWORD,
            CandidateKind::File => CompletionItemKind::FILE,
            CandidateKind::Folder => CompletionItemKind::FOLDER,
            CandidateKind::Resource => CompletionItemKind::VALUE,
        }),
        detail: Some(candidate.detail).filter(|detail| !detail.is_empty()),
        documentation: documentation(&candidate.doc),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(
            lines.range(candidate.range),
            candidate.insert,
        ))),
        ..CompletionItem::default()
    }
}

fn documentation(doc: &str) -> Option<Documentation> {
    (!doc.is_empty()).then(|| Documentation::MarkupContent(markdown(doc.to_owned())))
}

fn markdown(value: String) -> MarkupContent {
    MarkupContent {
        kind: MarkupKind::Markdown,
        value,
    }
}

pub fn hover(explanation: Explanation, lines: &Lines) -> Hover {
    // Editors colour Python everywhere, Starlark hardly anywhere.
    let code = format!("```python\n{}\n```", explanation.code);
    let doc = if explanation.doc.is_empty() {
        String::new()
    } else {
        format!("\n\n{}", explanation.doc)
    };
    Hover {
        contents: HoverContents::Markup(markdown(code + &doc)),
        range: Some(lines.range(explanation.range)),
    }
}

pub fn signature(hint: SignatureHint) -> SignatureHelp {
    // The protocol counts these in UTF-16, whatever was agreed on for positions.
    let units = |end: usize| u32::try_from(hint.label[..end].encode_utf16().count()).unwrap_or(u32::MAX);
    let parameters = hint.params.iter().map(|range| ParameterInformation {
        label: ParameterLabel::LabelOffsets([units(range.start), units(range.end)]),
        documentation: None,
    });
    // A number behind the last parameter means that none is active.
    let active = hint.active.unwrap_or(hint.params.len());
    let active = Some(u32::try_from(active).unwrap_or(u32::MAX));
    let signature = SignatureInformation {
        parameters: Some(parameters.collect()),
        documentation: documentation(&hint.doc),
        active_parameter: active,
        label: hint.label,
    };
    SignatureHelp {
        signatures: vec![signature],
        active_signature: Some(0),
        active_parameter: active,
    }
}

pub fn diagnostic(mistake: Mistake, lines: &Lines) -> Diagnostic {
    let hint = mistake.hint.map(|hint| format!("\n{hint}")).unwrap_or_default();
    Diagnostic {
        range: lines.range(mistake.range),
        severity: Some(match mistake.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        source: Some("tilt".to_owned()),
        message: mistake.message + &hint,
        ..Diagnostic::default()
    }
}

pub fn symbol(symbol: Symbol, lines: &Lines) -> DocumentSymbol {
    let (kind, detail) = match symbol.kind {
        SymbolKind::Function => (lsp_types::SymbolKind::FUNCTION, None),
        SymbolKind::Variable => (lsp_types::SymbolKind::VARIABLE, None),
        SymbolKind::Resource => (lsp_types::SymbolKind::OBJECT, Some("resource".to_owned())),
    };
    #[allow(deprecated, reason = "the protocol's type has a field that nobody sets any more")]
    DocumentSymbol {
        name: symbol.name,
        detail,
        kind,
        tags: None,
        deprecated: None,
        range: lines.range(symbol.extent),
        selection_range: lines.range(symbol.span),
        children: None,
    }
}
