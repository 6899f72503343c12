//! Tenants, keys, policies and ledgers.

use super::super::decoder::{Decoder, Malformed};
use super::super::encoder::Encoder;
use super::values::{Stored, stored_fields, stored_words};
use crate::pattern::ScopePattern;
use crate::scope::ScopePath;
use crate::state::{
    ApiKey, EXPIRY_POLICIES, Figures, KeyDigest, Ledger, LedgerId, LedgerOptions, LedgerStatus, Overage, Permission,
    Permissions, Policy, Posting, ROLLOVER_POLICIES, RateLimits, Revocation, Tenant, TenantId, TenantSettings,
    TenantStatus, TtlOverride,
};
use crate::unit::Unit;

stored_words!(Unit { UsdMicrocents = 0, Tokens = 1, Credits = 2, RiskPoints = 3 });
stored_words!(Overage { Reject = 0, IfAvailable = 1, Overdraft = 2 });
stored_words!(TenantStatus { Active = 0, Suspended = 1, Closed = 2 });
stored_words!(LedgerStatus { Active = 0, Frozen = 1, Closed = 2 });

stored_fields!(TenantSettings { overage, default_ttl_ms, max_ttl_ms, max_extensions });
stored_fields!(ApiKey {
    id,
    prefix,
    tenant,
    name,
    description,
    permissions,
    scope_filter,
    metadata,
    created_at,
    expires_at,
    revoked,
});
stored_fields!(Revocation { at, reason });
stored_fields!(Policy {
    id,
    tenant,
    name,
    description,
    pattern,
    priority,
    caps,
    overage,
    ttl,
    rate_limits,
    effective_from,
    effective_until,
    enabled,
    created_at,
    updated_at,
} then { rules });
stored_fields!(TtlOverride { default_ttl_ms, max_ttl_ms, max_extensions });
stored_fields!(RateLimits { max_reservations_per_minute, max_commits_per_minute });
stored_fields!(Figures { allocated, spent, reserved, debt, overdraft_limit, over_limit });
stored_fields!(Posting { ledger, figures });

impl Stored for Tenant {
    fn write(&self, to: &mut Encoder<'_>) {
        let Self { id, name, status, settings, parent, expiry_policy, metadata, .. } = self;
        id.write(to);
        name.write(to);
        status.write(to);
        settings.write(to);
        parent.write(to);
        write_word(*expiry_policy, to);
        metadata.write(to);
        let Self { created_at, updated_at, suspended_at, closed_at, .. } = self;
        created_at.write(to);
        updated_at.write(to);
        suspended_at.write(to);
        closed_at.write(to);
        if self.observe_mode.is_some() {
            self.observe_mode.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            id: Stored::read(from)?,
            name: Stored::read(from)?,
            status: Stored::read(from)?,
            settings: Stored::read(from)?,
            parent: Stored::read(from)?,
            expiry_policy: read_word(from, &EXPIRY_POLICIES)?,
            metadata: Stored::read(from)?,
            created_at: Stored::read(from)?,
            updated_at: Stored::read(from)?,
            suspended_at: Stored::read(from)?,
            closed_at: Stored::read(from)?,
            observe_mode: if from.is_empty() { None } else { Stored::read(from)? },
        })
    }
}

impl Stored for LedgerOptions {
    fn write(&self, to: &mut Encoder<'_>) {
        let Self { overage, rollover, period_start, period_end } = self;
        overage.write(to);
        write_word(*rollover, to);
        period_start.write(to);
        period_end.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            overage: Stored::read(from)?,
            rollover: read_word(from, &ROLLOVER_POLICIES)?,
            period_start: Stored::read(from)?,
            period_end: Stored::read(from)?,
        })
    }
}

/// Writes one of a few words, if there is one.
fn write_word(word: Option<&'static str>, to: &mut Encoder<'_>) {
    to.counted(word.unwrap_or_default().as_bytes());
}

fn read_word(from: &mut Decoder<'_>, words: &[&'static str]) -> Result<Option<&'static str>, Malformed> {
    let found = String::read(from)?;
    match words.iter().find(|word| **word == found) {
        Some(word) => Ok(Some(word)),
        None if found.is_empty() => Ok(None),
        None => Err(Malformed::new(format!("found {found:?}, expected one of {}", words.join(", ")))),
    }
}

impl Stored for Permissions {
    fn write(&self, to: &mut Encoder<'_>) {
        let names: Vec<String> = self.iter().map(|permission| permission.as_str().to_owned()).collect();
        names.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let unknown = |name: &String| Malformed::new(format!("unknown permission {name:?}"));
        let names = Vec::<String>::read(from)?;
        names.iter().map(|name| Permission::from_wire(name).ok_or_else(|| unknown(name))).collect()
    }
}

impl Stored for ScopePattern {
    fn write(&self, to: &mut Encoder<'_>) {
        to.counted(self.as_str().as_bytes());
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Self::parse(&String::read(from)?).map_err(|error| Malformed::new(error.to_string()))
    }
}

impl Stored for TenantId {
    fn write(&self, to: &mut Encoder<'_>) {
        self.0.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        u32::read(from).map(Self)
    }
}

impl Stored for LedgerId {
    fn write(&self, to: &mut Encoder<'_>) {
        self.0.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        u32::read(from).map(Self)
    }
}

impl Stored for KeyDigest {
    fn write(&self, to: &mut Encoder<'_>) {
        to.raw(self.as_bytes());
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        from.array().map(Self::from_bytes)
    }
}

impl Stored for ScopePath {
    fn write(&self, to: &mut Encoder<'_>) {
        self.shared().write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let text: std::sync::Arc<str> = Stored::read(from)?;
        // Answers hold scopes as they are, without escapes.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if is_plain { Ok(Self::from_shared(text)) } else { Err(Malformed::new("a scope has characters that none has")) }
    }
}

/// Everything but the figures, which change with every operation and are a row of their own, and the caps, which are
/// configured at every start.
impl Stored for Ledger {
    fn write(&self, to: &mut Encoder<'_>) {
        let Self { id, tenant, scope, unit, figures: _, status, caps: _, options, created_at, updated_at } = self;
        id.write(to);
        tenant.write(to);
        scope.write(to);
        unit.write(to);
        status.write(to);
        options.write(to);
        created_at.write(to);
        updated_at.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            id: Stored::read(from)?,
            tenant: Stored::read(from)?,
            scope: Stored::read(from)?,
            unit: Stored::read(from)?,
            figures: Figures::default(),
            status: Stored::read(from)?,
            caps: None,
            options: Stored::read(from)?,
            created_at: Stored::read(from)?,
            updated_at: Stored::read(from)?,
        })
    }
}
