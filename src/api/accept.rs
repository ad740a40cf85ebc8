//! Pure. In which form a client wants its answer, and in which it sends its question.

use crate::api::status::Failure;

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Yaml,
}

/// How much of an object, and in which dress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Whole,
    /// Metadata only.
    Partial,
    Table,
    /// Of the list of groups: everything at once.
    Aggregated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub format: Format,
    pub view: View,
}

const OFFERS: &str = "application/json, application/yaml";

impl Wanted {
    pub const JSON: Wanted = Wanted {
        format: Format::Json,
        view: View::Whole,
    };
}

/// The best of what an `Accept` header names that we can do; JSON where there is none.
pub fn negotiate(accept: Option<&str>) -> Result<Wanted, Failure> {
    let accept = accept.map(str::trim).filter(|accept| !accept.is_empty());
    let Some(accept) = accept else {
        return Ok(Wanted::JSON);
    };
    let mut choices: Vec<(u32, Wanted)> = accept.split(',').filter_map(choice).collect();
    // The order of the header decides between equals.
    choices.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    let best = choices.first().map(|(_, wanted)| *wanted);
    best.ok_or_else(|| Failure::not_acceptable(OFFERS))
}

/// One media range and its weight in thousandths; nothing if it is beyond us.
fn choice(range: &str) -> Option<(u32, Wanted)> {
    let mut parts = range.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" | "*/*" | "application/*" => Format::Json,
        "application/yaml" => Format::Yaml,
        _ => return None,
    };
    let (mut quality, mut asked, mut group, mut version) = (1000, "", "", "");
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key.trim() {
            "q" => quality = (value.trim().parse::<f32>().ok()?.clamp(0.0, 1.0) * 1000.0) as u32,
            "as" => asked = value.trim(),
            "g" => group = value.trim(),
            "v" => version = value.trim(),
            _ => {}
        }
    }
    let view = match (asked, group, version) {
        ("", _, _) => View::Whole,
        ("Table", "meta.k8s.io", "v1") => View::Table,
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1") => View::Partial,
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => View::Aggregated,
        _ => return None,
    };
    Some((quality, Wanted { format, view }))
}

/// What a request's body is written in. Kubernetes takes one without a type for JSON.
pub fn body(content_type: Option<&str>) -> Result<Format, Failure> {
    match media_type(content_type).as_str() {
        "" | "application/json" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        other => Err(Failure::unsupported(other, OFFERS)),
    }
}

/// The type without its parameters.
pub fn media_type(content_type: Option<&str>) -> String {
    let first = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    first.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_we_know_is_taken() {
        let table = [
            ("*/*", Some((Format::Json, View::Whole))),
            ("application/yaml", Some((Format::Yaml, View::Whole))),
            (
                "application/vnd.kubernetes.protobuf,application/json",
                Some((Format::Json, View::Whole)),
            ),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Some((Format::Json, View::Table)),
            ),
            (
                "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Some((Format::Json, View::Whole)),
            ),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
                Some((Format::Json, View::Aggregated)),
            ),
            (
                "application/json;q=0.1, application/yaml",
                Some((Format::Yaml, View::Whole)),
            ),
            ("application/vnd.kubernetes.protobuf", None),
            ("text/html", None),
        ];
        for (accept, expected) in table {
            let wanted = negotiate(Some(accept)).ok().map(|wanted| (wanted.format, wanted.view));
            assert_eq!(wanted, expected, "{accept}");
        }
        assert_eq!(negotiate(None), Ok(Wanted::JSON));
    }

    #[test]
    fn a_body_in_protobuf_is_refused_with_what_would_do() {
        let failure = body(Some("application/vnd.kubernetes.protobuf")).unwrap_err();
        assert_eq!((failure.code, failure.reason), (415, "UnsupportedMediaType"));
        assert_eq!(body(Some("application/json; charset=utf-8")), Ok(Format::Json));
    }
}
