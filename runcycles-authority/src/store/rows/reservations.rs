//! Reservations and events.

use super::super::decoder::{Decoder, Malformed};
use super::super::encoder::Encoder;
use super::values::{Stored, stored_fields};
use crate::fingerprint::Fingerprint;
use crate::scope::Spelling;
use crate::state::{Action, Event, Extension, Phase, Reservation, Ruled, Settlement};

stored_fields!(Action { kind, name, tags });
stored_fields!(Extension { key, fingerprint, expires_at, postings });
stored_fields!(Settlement { key, fingerprint, at, charged, metadata, postings });
stored_fields!(Event { id, tenant, scope, unit, actual, charged, created_at, postings });
stored_fields!(Reservation {
    id,
    tenant,
    key,
    fingerprint,
    scope,
    spelling,
    dimensions,
    action,
    unit,
    estimate,
    overage,
    created_at,
    granted_ttl_ms,
    expires_at,
    grace_ms,
    max_extensions,
    metadata,
    caps,
    held,
    extensions,
    phase,
} then { ruled });
stored_fields!(Ruled { policy_keys, counted });

impl Stored for Phase {
    fn write(&self, to: &mut Encoder<'_>) {
        match self {
            Self::Active => to.byte(0),
            Self::Committed(settlement) => {
                to.byte(1);
                settlement.write(to);
            }
            Self::Released(settlement) => {
                to.byte(2);
                settlement.write(to);
            }
            Self::Expired { at } => {
                to.byte(3);
                at.write(to);
            }
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Ok(Self::Active),
            1 => Stored::read(from).map(Self::Committed),
            2 => Stored::read(from).map(Self::Released),
            3 => Stored::read(from).map(|at| Self::Expired { at }),
            unknown => Err(Malformed::unknown_kind("phase", unknown)),
        }
    }
}

impl Stored for Spelling {
    fn write(&self, to: &mut Encoder<'_>) {
        self.text().is_some().write(to);
        if let Some(text) = self.text() {
            to.counted(text.as_bytes());
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Option::<Box<str>>::read(from).map(|text| Self::from_text(text.as_deref()))
    }
}

impl Stored for Fingerprint {
    fn write(&self, to: &mut Encoder<'_>) {
        to.raw(self.as_bytes());
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        from.array().map(Self::from_bytes)
    }
}
