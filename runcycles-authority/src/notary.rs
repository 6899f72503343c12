//! Evidence of answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use runcycles::evidence::{Artifact, EvidenceDraft, EvidenceSigner};
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Millis;

/// The envelopes that are kept, the oldest forgotten first.
const KEPT: usize = 16_384;

/// The bytes that they have together at most: metadata makes some of them large.
const KEPT_BYTES: usize = 64 << 20;

/// Attests answers: gives each an id as it leaves, and signs it when somebody asks for it.
pub(crate) struct Notary {
    signer: EvidenceSigner,
    /// What answers refer to, up to the id.
    url: String,
    /// Held for an insertion or a look, never while anything is signed.
    drafts: Mutex<Drafts>,
}

#[derive(Default)]
struct Drafts {
    by_id: HashMap<Box<str>, Arc<EvidenceDraft>>,
    in_order: VecDeque<Box<str>>,
    bytes: usize,
}

/// An operation whose answers are attested.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attested<'a> {
    Decide,
    Reserve,
    Commit(&'a str),
    Release(&'a str),
}

/// An answer on its way out.
pub(crate) struct Outgoing<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) status: u16,
    pub(crate) answer: &'a [u8],
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) at: Millis,
}

impl Notary {
    pub(crate) fn new(signer: EvidenceSigner) -> Self {
        let url = format!("{}/evidence/", signer.server_id().trim_end_matches('/'));
        Self { signer, url, drafts: Mutex::default() }
    }

    /// The answer with a reference to its evidence; nothing where there can be none of it.
    pub(crate) fn attest(&self, operation: Attested<'_>, outgoing: &Outgoing<'_>) -> Option<Bytes> {
        let mut response = object(outgoing.answer)?;
        // What changes from one replay to the next, which no evidence attests.
        response.remove("remaining_ttl_ms");
        let request = object(outgoing.request);
        let draft = if outgoing.status < 400 {
            self.draft(operation.artifact(), outgoing, &operation.body(request?, response))
        } else {
            let refused = |request| operation.refusal(outgoing.status, request, &response);
            // A request that is no such request is left out of its refusal.
            let with_request = self.draft(Artifact::Error, outgoing, &refused(request.as_ref()));
            with_request.or_else(|| self.draft(Artifact::Error, outgoing, &refused(None)))
        }?;
        let reference = json!({
            "evidence_id": draft.evidence_id(),
            "cycles_evidence_url": format!("{}{}", self.url, draft.evidence_id()),
        });
        let body = outgoing.answer.trim_ascii_end().strip_suffix(b"}")?;
        let answer = [body, b",\"cycles_evidence\":", reference.to_string().as_bytes(), b"}"].concat();
        self.keep(draft);
        Some(answer.into())
    }

    /// A signed envelope.
    pub(crate) fn envelope(&self, id: &str) -> Option<Bytes> {
        let draft = self.drafts.lock().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()?;
        Some(self.signer.sign(&draft).into())
    }

    /// The keys that envelopes are signed with.
    pub(crate) fn key_set(&self) -> Bytes {
        json!({ "keys": [self.signer.jwk(0, None)] }).to_string().into()
    }

    fn draft(&self, artifact: Artifact, outgoing: &Outgoing<'_>, body: &Members) -> Option<EvidenceDraft> {
        let draft = self.signer.draft(artifact, outgoing.at, outgoing.trace_id, body);
        draft.inspect_err(|error| tracing::debug!(%error, "an answer has no evidence")).ok()
    }

    fn keep(&self, draft: EvidenceDraft) {
        let mut drafts = self.drafts.lock().unwrap_or_else(PoisonError::into_inner);
        let id: Box<str> = draft.evidence_id().into();
        let bytes = draft.len();
        // The same id has the same text.
        if drafts.by_id.insert(id.clone(), Arc::new(draft)).is_none() {
            drafts.in_order.push_back(id);
            drafts.bytes += bytes;
        }
        while (drafts.in_order.len() > KEPT || drafts.bytes > KEPT_BYTES)
            && let Some(oldest) = drafts.in_order.pop_front()
        {
            let forgotten = drafts.by_id.remove(&oldest).map_or(0, |draft| draft.len());
            drafts.bytes = drafts.bytes.saturating_sub(forgotten);
        }
    }
}

impl<'a> Attested<'a> {
    fn artifact(self) -> Artifact {
        match self {
            Self::Decide => Artifact::Decide,
            Self::Reserve => Artifact::Reserve,
            Self::Commit(_) => Artifact::Commit,
            Self::Release(_) => Artifact::Release,
        }
    }

    fn reservation(self) -> Option<&'a str> {
        match self {
            Self::Decide | Self::Reserve => None,
            Self::Commit(id) | Self::Release(id) => Some(id),
        }
    }

    fn endpoint(self) -> &'static str {
        match self {
            Self::Decide => "POST /v1/decide",
            Self::Reserve => "POST /v1/reservations",
            Self::Commit(_) => "POST /v1/reservations/{reservation_id}/commit",
            Self::Release(_) => "POST /v1/reservations/{reservation_id}/release",
        }
    }

    fn body(self, request: Members, response: Members) -> Members {
        let mut body = self.about();
        set(&mut body, "request", &request);
        set(&mut body, "response", &response);
        body
    }

    fn refusal(self, status: u16, request: Option<&Members>, response: &Members) -> Members {
        let mut body = self.about();
        set(&mut body, "endpoint", &self.endpoint());
        set(&mut body, "http_status", &status);
        set(&mut body, "response", response);
        if let Some(request) = request {
            set(&mut body, "request", request);
        }
        body
    }

    /// A body that names the reservation, where the operation has one.
    fn about(self) -> Members {
        let mut body = Members::new();
        if let Some(id) = self.reservation() {
            set(&mut body, "reservation_id", &id);
        }
        body
    }
}

/// An object whose values stay as they were written, numbers to the last digit.
type Members = BTreeMap<String, Box<RawValue>>;

/// Sets a member; texts, numbers and objects of them always serialise.
fn set(members: &mut Members, name: &str, value: &(impl Serialize + ?Sized)) {
    members.extend(to_raw_value(value).map(|value| (name.to_owned(), value)));
}

/// An object without members that are null, which requests may have and evidence may not.
fn object(json: &[u8]) -> Option<Members> {
    let mut object: Members = serde_json::from_slice(json).ok()?;
    object.retain(|_, value| value.get() != "null");
    for name in ["subject", "action", "metrics"] {
        let members = object.get(name).and_then(|value| serde_json::from_str::<Members>(value.get()).ok());
        if let Some(mut members) = members {
            members.retain(|_, value| value.get() != "null");
            set(&mut object, name, &members);
        }
    }
    Some(object)
}

impl fmt::Debug for Notary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notary").field("signer", &self.signer).finish_non_exhaustive()
    }
}
