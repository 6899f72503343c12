//! The engine by itself, for benchmarks.

use std::sync::Arc;

use uuid::Uuid;

use crate::authority::Authority;
use crate::engine::{Commit, Engine, Reserve, SubjectPath};
use crate::fingerprint::Canonical;
use crate::ids::IdSource;
use crate::scope::ScopePath;
use crate::state::{NamedAction, TenantId};
use crate::unit::Unit;

/// Reserves and commits on an authority's engine, without requests around it.
#[derive(Debug)]
pub struct EngineProbe {
    engine: Arc<Engine>,
    ids: IdSource,
    tenant: TenantId,
}

impl EngineProbe {
    /// A probe of an authority whose first tenant is the one that is charged.
    pub fn new(authority: &Authority) -> Self {
        Self { engine: authority.engine(), ids: IdSource::new(), tenant: TenantId(0) }
    }

    /// Reserves an amount of microcents at a scope and commits it; returns whether both were done.
    pub fn cycle(&self, levels: &[(runcycles::models::Level, &str)], amount: i64) -> bool {
        let id = self.ids.next();
        let (path, spelling) = ScopePath::derive(levels.iter().copied());
        let mut key_buffer = Uuid::encode_buffer();
        let key: &str = self.ids.next().hyphenated().encode_lower(&mut key_buffer);
        let reserved = self.engine.execute(Reserve {
            id,
            tenant: self.tenant,
            key,
            fingerprint: Canonical::fingerprint(key, |_| {}),
            subject: SubjectPath { path, spelling, dimensions: std::collections::BTreeMap::new() },
            action: NamedAction { kind: "llm.completion", name: "gpt-4o", tags: Vec::new() },
            unit: Unit::UsdMicrocents,
            estimate: amount,
            ttl_ms: None,
            grace_ms: 5_000,
            overage: None,
            dry_run: false,
            observe_mode: None,
            policy_keys: None,
            metadata: None,
        });
        let mut id_buffer = Uuid::encode_buffer();
        let committed = self.engine.execute(Commit {
            tenant: self.tenant,
            id: id.hyphenated().encode_lower(&mut id_buffer),
            key,
            fingerprint: Canonical::fingerprint(key, |_| {}),
            unit: Unit::UsdMicrocents,
            actual: amount,
            metadata: None,
        });
        reserved.is_ok() && committed.is_ok()
    }
}
