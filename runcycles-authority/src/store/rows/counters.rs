//! Counters of quotas.

use runcycles::models::RiskClass;

use super::super::decoder::{Decoder, Malformed};
use super::super::encoder::Encoder;
use super::values::{Stored, stored_fields, stored_words};
use crate::state::{Counted, Counter, CounterKey, Window};

stored_words!(Window { Run = 0, Minute = 1, Hour = 2, Day = 3, TenantDay = 4 });
stored_fields!(CounterKey { tenant, scope, counted, window, instance });
stored_fields!(Counter { used, limit, policy, counted_at, until, told });

impl Stored for Counted {
    fn write(&self, to: &mut Encoder<'_>) {
        match self {
            Self::Kind(kind) => {
                to.byte(0);
                kind.write(to);
            }
            Self::Risk(class) => {
                to.byte(1);
                to.counted(class.as_str().as_bytes());
            }
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Stored::read(from).map(Self::Kind),
            1 => String::read(from).map(|class| Self::Risk(RiskClass::from(class.as_str()))),
            unknown => Err(Malformed::unknown_kind("counted", unknown)),
        }
    }
}
