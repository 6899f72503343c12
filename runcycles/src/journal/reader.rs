//! Records as they are found on disk, which any client or accident may have written.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::Body;
use super::record::{Record, Step, VERSION};

/// A record as a file holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filed {
    /// The authority it is for, as configured where it was written; empty where the file does not say.
    pub(super) base_url: String,
    pub(super) record: Record,
}

/// Why a file is no record.
#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
    #[error("it is not a record in JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it is no JSON object")]
    NoObject,
    #[error("version is {found}, expected {VERSION}")]
    Version { found: u64 },
    #[error("reservation_id is empty")]
    NoReservation,
    #[error("mode is {found:?}, expected commit or event")]
    Mode { found: String },
    #[error("{field} is no JSON object, which the mode {mode} needs")]
    NoBody { field: &'static str, mode: &'static str },
    #[error("{field} is neither a JSON object nor null")]
    Body { field: &'static str },
}

#[derive(Deserialize)]
struct Wire<'a> {
    version: u64,
    reservation_id: String,
    #[serde(default)]
    base_url: String,
    #[serde(default = "commit")]
    mode: String,
    #[serde(borrow, default)]
    commit_body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event_fallback_body: Option<&'a RawValue>,
    #[serde(default)]
    recorded_at_ms: u64,
    #[serde(default)]
    not_before_ms: Option<u64>,
    #[serde(default)]
    is_ahead: bool,
}

fn commit() -> String {
    "commit".to_owned()
}

/// Reads a file's text. What is read is what the other clients take; anything else is no record.
pub(super) fn read(file: &Bytes) -> Result<Filed, Invalid> {
    // A list of the fields' values in order would pass as an object otherwise.
    if file.trim_ascii_start().first() != Some(&b'{') {
        return Err(Invalid::NoObject);
    }
    let wire: Wire<'_> = serde_json::from_slice(file)?;
    if wire.version != VERSION {
        return Err(Invalid::Version { found: wire.version });
    }
    if wire.reservation_id.is_empty() {
        return Err(Invalid::NoReservation);
    }
    let commit = body(file, wire.commit_body, "commit_body")?;
    let event = body(file, wire.event_fallback_body, "event_fallback_body")?;
    let step = match (wire.mode.as_str(), commit, event) {
        ("commit", Some(commit), event) => Step::Commit { commit, event },
        ("commit", None, _) => return Err(Invalid::NoBody { field: "commit_body", mode: "commit" }),
        ("event", commit, Some(event)) => Step::Event { event, commit },
        ("event", _, None) => return Err(Invalid::NoBody { field: "event_fallback_body", mode: "event" }),
        _ => return Err(Invalid::Mode { found: wire.mode }),
    };
    let record = Record {
        reservation_id: wire.reservation_id,
        step,
        recorded_at_ms: wire.recorded_at_ms,
        not_before_ms: wire.not_before_ms,
        is_ahead: wire.is_ahead,
    };
    Ok(Filed { base_url: wire.base_url, record })
}

/// Whether a file's text is a record of a reservation.
pub(super) fn is_record_of(file: Vec<u8>, reservation_id: &str) -> bool {
    read(&file.into()).is_ok_and(|filed| filed.record.reservation_id == reservation_id)
}

fn body(file: &Bytes, raw: Option<&RawValue>, field: &'static str) -> Result<Option<Body>, Invalid> {
    let Some(raw) = raw else { return Ok(None) };
    match Body::new(file.slice_ref(raw.get().as_bytes())) {
        Some(body) => Ok(Some(body)),
        None => Err(Invalid::Body { field }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as the Python client writes it, with a field replaced, or left out where the value is empty.
    fn with(field: &str, value: &str) -> String {
        let fields = [
            ("version", "1"),
            ("reservation_id", r#""rsv_1""#),
            ("base_url", r#""http://localhost:7878""#),
            ("mode", r#""commit""#),
            ("commit_body", r#"{"idempotency_key":"k1","actual":{"unit":"TOKENS","amount":42}}"#),
            ("event_fallback_body", r#"{"idempotency_key":"k1"}"#),
            ("recorded_at_ms", "1754400000000"),
            ("not_before_ms", "null"),
        ];
        let value_of = |name, standard| if name == field { value } else { standard };
        let fields = fields.map(|(name, standard)| (name, value_of(name, standard)));
        let members: Vec<String> = fields
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("\"{name}\": {value}"))
            .collect();
        format!("{{\n  {}\n}}\n", members.join(",\n  "))
    }

    fn read(text: impl Into<Bytes>) -> Result<Filed, Invalid> {
        super::read(&text.into())
    }

    #[test]
    fn a_record_of_another_client_is_read_with_its_bodies_to_the_byte() {
        let text = r#"{"version":1,"reservation_id":"rsv_1","base_url":"http://localhost:7878","mode":"commit",
 "commit_body":{"idempotency_key":"k1","actual":{"unit":"TOKENS","amount":42.0},"z":1,"a":[ 1 ]},
 "event_fallback_body":{"idempotency_key":"k1","metrics":{"latency_ms":12}},
 "recorded_at_ms":1754400000000,"not_before_ms":1754400005000, "attempts": 3}"#;
        let filed = read(text).expect("a record");
        let body = |text: &'static str| Body::new(Bytes::from(text)).expect("a body");
        assert_eq!(filed.base_url, "http://localhost:7878");
        assert_eq!(
            filed.record,
            Record {
                reservation_id: "rsv_1".to_owned(),
                step: Step::Commit {
                    commit: body(
                        r#"{"idempotency_key":"k1","actual":{"unit":"TOKENS","amount":42.0},"z":1,"a":[ 1 ]}"#
                    ),
                    event: Some(body(r#"{"idempotency_key":"k1","metrics":{"latency_ms":12}}"#)),
                },
                recorded_at_ms: 1_754_400_000_000,
                not_before_ms: Some(1_754_400_005_000),
                is_ahead: false,
            }
        );
        let again = read(filed.record.encode(&filed.base_url)).expect("a record");
        assert_eq!(again, filed);
    }

    #[test]
    fn fields_are_read_as_every_client_reads_them() {
        for (field, accepted, rejected) in [
            ("version", &["1"][..], &["", "1.0", "1e0", "2", "0", "-1", "true", "null", "\"1\""][..]),
            ("reservation_id", &["\"r\"", "\"\\u00e9\""], &["", "\"\"", "null", "7", "\"\\ud800\""]),
            ("base_url", &["", "\"\"", "\"x\""], &["null", "1", "{}"]),
            (
                "mode",
                &["", "\"commit\"", "\"event\""],
                &["null", "\"\"", "\"Commit\"", "\"other\"", "{\"commit\":null}", "1"],
            ),
            ("commit_body", &["{}", "{ \"a\": 1e400 }"], &["", "null", "[]", "\"{}\"", "1", "true", "{\"a\":NaN}"]),
            ("event_fallback_body", &["", "null", "{}"], &["[]", "\"\"", "1", "false", "{\"a\":\"\\udc00\"}"]),
            ("recorded_at_ms", &["", "0", "9007199254740991"], &["null", "true", "1.5", "1.0", "-1", "\"1\""]),
            ("not_before_ms", &["", "null", "0", "9007199254740991"], &["true", "1.5", "1.0", "-1", "\"1\""]),
        ] {
            for value in accepted {
                assert!(read(with(field, value)).is_ok(), "{field}: {value:?} is accepted");
            }
            for value in rejected {
                assert!(read(with(field, value)).is_err(), "{field}: {value:?} is rejected");
            }
        }
    }

    #[test]
    fn a_body_is_required_by_its_own_mode_alone() {
        let event = r#""version":1,"reservation_id":"r","mode":"event""#;
        for (text, accepted) in [
            (format!(r#"{{{event},"event_fallback_body":{{}}}}"#), true),
            (format!(r#"{{{event},"event_fallback_body":{{}},"commit_body":null}}"#), true),
            (format!(r#"{{{event},"event_fallback_body":{{}},"commit_body":{{}}}}"#), true),
            (format!(r#"{{{event},"event_fallback_body":{{}},"commit_body":[]}}"#), false),
            (format!(r#"{{{event},"event_fallback_body":null,"commit_body":{{}}}}"#), false),
            (format!(r#"{{{event},"commit_body":{{}}}}"#), false),
        ] {
            assert_eq!(read(text.clone()).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn what_a_file_leaves_out_has_the_formats_defaults() {
        let filed = read(r#"{"version":1,"reservation_id":"r","commit_body":{}}"#).expect("a record");
        assert_eq!(filed.base_url, "");
        assert_eq!((filed.record.recorded_at_ms, filed.record.not_before_ms), (0, None));
        assert!(matches!(filed.record.step, Step::Commit { event: None, .. }));
    }

    #[test]
    fn what_is_no_json_object_is_no_record() {
        let whole = with("", "");
        let truncated = &whole[..whole.len() - 3];
        let list = r#"[1,"rsv_1","http://h","commit",{},null,0,null]"#;
        for text in ["", " ", "null", "7", list, truncated, "\u{feff}{}", "{}", &format!("{whole}{whole}")] {
            assert!(read(text.to_owned()).is_err(), "{text:?}");
        }
        assert!(read(vec![0; 4096]).is_err());
        assert!(read(with("base_url", "\"\u{fffd}\"").replace('\u{fffd}', "x").into_bytes()).is_ok());
        let mut no_text = with("base_url", "\"x\"").into_bytes();
        let x = no_text.iter().position(|byte| *byte == b'x').expect("the x");
        no_text[x] = 0xff;
        assert!(read(no_text).is_err());
    }

    #[test]
    fn nesting_without_end_does_not_exhaust_the_stack() {
        let deep = "[".repeat(1_000_000);
        let closed = format!("{deep}{}", "]".repeat(1_000_000));
        assert!(read(with("commit_body", &deep)).is_err());
        assert!(read(with("commit_body", &format!("{{\"a\":{closed}}}"))).is_ok());
        assert!(read(with("", "").replacen('{', &format!("{{\"extra\":{closed},"), 1)).is_ok());
    }

    #[test]
    fn a_field_that_is_given_twice_leaves_no_record() {
        assert!(read(with("", "").replacen('{', "{\"version\":1,", 1)).is_err());
    }
}
