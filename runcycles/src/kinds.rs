//! The kinds of actions that the protocol registers (protocol v0.1.26: action kind registry), and how much harm each can do.
//!
//! Any other kind may be used too: one that the registry does not have counts as a side effect.
//!
//! ```
//! use runcycles::models::RiskClass;
//! use runcycles::{Reserve, kinds, usd};
//!
//! let request = Reserve::new(kinds::LLM_COMPLETION, "gpt-4o").estimate(usd!(0.02));
//! assert_eq!(kinds::risk_class(kinds::PAYMENT_CHARGE), RiskClass::HighRisk);
//! assert_eq!(kinds::risk_class("custom.acme.reindex"), RiskClass::SideEffect);
//! ```

use crate::protocol::{PolicyKeySpec, RiskClass};

/// A kind of action that the protocol registers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredKind {
    /// The kind, such as `llm.completion`.
    pub kind: &'static str,
    /// How much harm it can do.
    pub risk_class: RiskClass,
    /// What policies can look at beside the kind.
    pub policy_keys: &'static [PolicyKey],
}

/// What policies can look at beside an action's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyKey {
    /// The host that is called.
    Host,
    /// The domain of the recipient.
    RecipientDomain,
    /// The resource that is touched, and what the kind calls it, such as `table`.
    ResourceType(&'static str),
    /// The path that is touched.
    PathPrefix,
}

impl RegisteredKind {
    /// What policies can look at beside the kind, as the registry writes it; `None` where that is nothing.
    pub fn policy_key_spec(&self) -> Option<PolicyKeySpec> {
        let mut spec = PolicyKeySpec::default();
        for key in self.policy_keys {
            match key {
                PolicyKey::Host => spec.host = true,
                PolicyKey::RecipientDomain => spec.recipient_domain = true,
                PolicyKey::ResourceType(name) => spec.resource_type = Some((*name).to_owned()),
                PolicyKey::PathPrefix => spec.path_prefix = true,
            }
        }
        (!self.policy_keys.is_empty()).then_some(spec)
    }
}

/// The registered kind of a name, compared exactly.
pub fn find(kind: &str) -> Option<&'static RegisteredKind> {
    ALL.iter().find(|known| known.kind == kind)
}

/// How much harm actions of a kind can do; a kind that is not registered counts as a side effect.
pub fn risk_class(kind: &str) -> RiskClass {
    find(kind).map_or(RiskClass::SideEffect, |known| known.risk_class.clone())
}

/// Declares the registered kinds.
///
/// Input: a constant, its kind, the risk class and the policy keys a line. Output: the constants, and the table of all.
macro_rules! kinds {
    ($( $name:ident = $kind:literal, $class:ident, [$( $key:ident $(($value:literal))? ),*]; )*) => {
        $(
            #[doc = concat!("`", $kind, "`.")]
            pub const $name: &str = $kind;
        )*

        /// Every registered kind, in the order of the registry.
        pub static ALL: [RegisteredKind; [$($kind),*].len()] = [$( RegisteredKind {
            kind: $kind,
            risk_class: RiskClass::$class,
            policy_keys: &[$( PolicyKey::$key $(($value))? ),*],
        } ),*];
    };
}

kinds! {
    LLM_COMPLETION = "llm.completion", SideEffect, [];
    LLM_EMBEDDING = "llm.embedding", ReadOnly, [];
    LLM_STRUCTURED_OUTPUT = "llm.structured_output", SideEffect, [Host];
    AGENT_SPAWN = "agent.spawn", SideEffect, [];
    AGENT_DELEGATE = "agent.delegate", SideEffect, [Host];
    AGENT_MESSAGE = "agent.message", SideEffect, [];
    AGENT_HUMAN_ESCALATION = "agent.human_escalation", ExternalSideEffect, [RecipientDomain];
    WEB_SEARCH = "web.search", ReadOnly, [];
    HTTP_GET = "http.get", ReadOnly, [Host];
    HTTP_POST = "http.post", ExternalSideEffect, [Host];
    HTTP_PUT = "http.put", ExternalSideEffect, [Host];
    HTTP_DELETE = "http.delete", ExternalSideEffect, [Host];
    HTTP_GRAPHQL = "http.graphql", SideEffect, [Host];
    MESSAGE_EMAIL_SEND = "message.email.send", ExternalSideEffect, [Host, RecipientDomain];
    MESSAGE_SLACK_POST = "message.slack.post", ExternalSideEffect, [Host];
    MESSAGE_SMS_SEND = "message.sms.send", ExternalSideEffect, [RecipientDomain];
    MESSAGE_CHAT_POST = "message.chat.post", ExternalSideEffect, [Host];
    DB_QUERY = "db.query", ReadOnly, [ResourceType("table")];
    DB_WRITE = "db.write", SideEffect, [ResourceType("table")];
    DB_SCHEMA_CHANGE = "db.schema_change", HighRisk, [ResourceType("table")];
    CRM_RECORD_READ = "crm.record.read", ReadOnly, [ResourceType("object_type")];
    CRM_RECORD_WRITE = "crm.record.write", SideEffect, [ResourceType("object_type")];
    CRM_RECORD_DELETE = "crm.record.delete", ExternalSideEffect, [ResourceType("object_type")];
    FILE_READ = "file.read", ReadOnly, [PathPrefix];
    FILE_WRITE = "file.write", LocalMutation, [PathPrefix];
    FILE_DELETE = "file.delete", SideEffect, [PathPrefix];
    CODE_EXEC = "code.exec", HighRisk, [PathPrefix];
    CODE_DEPLOY = "code.deploy", HighRisk, [Host];
    CODE_LINT = "code.lint", ReadOnly, [PathPrefix];
    VECTOR_QUERY = "vector.query", ReadOnly, [ResourceType("collection")];
    VECTOR_UPSERT = "vector.upsert", SideEffect, [ResourceType("collection")];
    VECTOR_DELETE = "vector.delete", SideEffect, [ResourceType("collection")];
    MEMORY_READ = "memory.read", ReadOnly, [ResourceType("store")];
    MEMORY_WRITE = "memory.write", LocalMutation, [ResourceType("store")];
    MEMORY_DELETE = "memory.delete", SideEffect, [ResourceType("store")];
    REASONING_PLAN = "reasoning.plan", SideEffect, [];
    REASONING_REFLECT = "reasoning.reflect", SideEffect, [];
    CALENDAR_READ = "calendar.read", ReadOnly, [Host];
    CALENDAR_WRITE = "calendar.write", ExternalSideEffect, [Host];
    PAYMENT_CHARGE = "payment.charge", HighRisk, [Host];
    PAYMENT_REFUND = "payment.refund", HighRisk, [Host];
    IMAGE_GENERATE = "image.generate", ExternalSideEffect, [Host];
    IMAGE_EDIT = "image.edit", ExternalSideEffect, [Host];
    VIDEO_GENERATE = "video.generate", HighRisk, [Host];
    VIDEO_TRANSCODE = "video.transcode", SideEffect, [Host, PathPrefix];
    AUDIO_GENERATE = "audio.generate", ExternalSideEffect, [Host];
    AUDIO_TRANSCRIBE = "audio.transcribe", ReadOnly, [Host];
    VISION_ANALYZE = "vision.analyze", SideEffect, [Host];
    VISION_OCR = "vision.ocr", SideEffect, [Host];
    VISION_PARSE_DOCUMENT = "vision.parse_document", SideEffect, [Host, PathPrefix];
    SOCIAL_POST_CREATE = "social.post.create", ExternalSideEffect, [Host];
    SOCIAL_POST_DELETE = "social.post.delete", ExternalSideEffect, [Host];
    SOCIAL_DM_SEND = "social.dm.send", ExternalSideEffect, [Host, RecipientDomain];
    NOTIFICATION_PUSH_SEND = "notification.push.send", ExternalSideEffect, [Host];
    NOTIFICATION_WEBHOOK_TRIGGER = "notification.webhook.trigger", ExternalSideEffect, [Host];
    STORAGE_UPLOAD = "storage.upload", SideEffect, [Host, PathPrefix];
    STORAGE_DOWNLOAD = "storage.download", ReadOnly, [Host, PathPrefix];
    STORAGE_DELETE = "storage.delete", SideEffect, [Host, PathPrefix];
    DOCUMENT_CREATE = "document.create", SideEffect, [Host];
    DOCUMENT_EDIT = "document.edit", SideEffect, [Host];
    DOCUMENT_SHARE = "document.share", ExternalSideEffect, [Host, RecipientDomain];
    UNKNOWN_CALL = "unknown.call", SideEffect, [];
}
