//! The checks, by what they are about.

mod admin;
mod commit;
mod decision;
mod errors;
mod event;
mod headers;
mod idempotency;
mod keys;
mod lease;
mod property;
mod read;
mod reserve;
mod tenants;
mod validation;

use super::check::Section;

/// Every check, in the order of ids.
pub(crate) const SECTIONS: &[Section] = &[
    Section { title: "Keys", checks: keys::CHECKS },
    Section { title: "Errors, request ids and traces", checks: headers::CHECKS },
    Section { title: "Tenants", checks: tenants::CHECKS },
    Section { title: "Requests that are not valid", checks: validation::CHECKS },
    Section { title: "Reserve", checks: reserve::CHECKS },
    Section { title: "Dry runs and decisions", checks: decision::CHECKS },
    Section { title: "Commit", checks: commit::CHECKS },
    Section { title: "Release, extend, expire", checks: lease::CHECKS },
    Section { title: "Events", checks: event::CHECKS },
    Section { title: "Idempotency", checks: idempotency::CHECKS },
    Section { title: "Reads", checks: read::CHECKS },
    Section { title: "Admin plane", checks: admin::CHECKS },
    Section { title: "Properties", checks: property::CHECKS },
];
