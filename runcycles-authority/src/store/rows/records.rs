//! Idempotency records.

use super::super::decoder::{Decoder, Malformed};
use super::super::encoder::Encoder;
use super::values::{Stored, stored_fields, stored_words};
use crate::state::{Allowance, Answer, Denied, Evaluation, FundedFigures, Namespace, Operation, Record};

stored_words!(Operation { Reserve = 0, Decide = 1, Event = 2, Fund = 3 });

stored_fields!(Namespace { tenant, operation });
stored_fields!(Record { fingerprint, until, answer });
stored_fields!(Evaluation { scope, unit, estimate, verdict });
stored_fields!(Allowance { caps, postings });
stored_fields!(Denied { reason } then { detail });
stored_fields!(FundedFigures { before, after, at });

impl Stored for Answer {
    fn write(&self, to: &mut Encoder<'_>) {
        match self {
            Self::Event(id) => {
                to.byte(0);
                id.write(to);
            }
            Self::Evaluation(evaluation) => {
                to.byte(1);
                evaluation.write(to);
            }
            Self::Funded(figures) => {
                to.byte(2);
                figures.write(to);
            }
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Stored::read(from).map(Self::Event),
            1 => Stored::read(from).map(Self::Evaluation),
            2 => Stored::read(from).map(Self::Funded),
            unknown => Err(Malformed::unknown_kind("answer", unknown)),
        }
    }
}

impl<T: Stored, E: Stored> Stored for Result<T, E> {
    fn write(&self, to: &mut Encoder<'_>) {
        match self {
            Ok(value) => {
                to.byte(0);
                value.write(to);
            }
            Err(error) => {
                to.byte(1);
                error.write(to);
            }
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Stored::read(from).map(Ok),
            1 => Stored::read(from).map(Err),
            unknown => Err(Malformed::unknown_kind("result", unknown)),
        }
    }
}
