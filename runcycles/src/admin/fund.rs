//! Funding, which takes effect once.

use std::fmt::Write as _;
use std::future::IntoFuture;

use http::Method;
use sha2::{Digest as _, Sha256};

use super::operations::BUDGETS;
use super::{Admin, ScopePath};
use crate::client::{Operation, Prepared, Response};
use crate::error::Error;
use crate::protocol::admin::{FundRequest, FundingOperation, FundingResult};
use crate::protocol::{Amount, IdempotencyKey, ValidationError};
use crate::transport::BoxFuture;

/// A change of a budget's amounts that is sent when it is awaited, once.
///
/// It has its key from the start, so that a clone of it is the same request: where no clear answer came, awaiting a clone again
/// takes effect once. [`once`](Self::once) gives it a key that outlives the process.
///
/// ```no_run
/// # async fn example(admin: runcycles::admin::Admin) -> Result<(), runcycles::Error> {
/// use runcycles::usd;
///
/// let budget = admin.budget("tenant:acme");
/// budget.credit(usd!(100)).once("invoice 4711").reason("paid by card").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a funding is sent when it is awaited"]
pub struct Fund {
    admin: Admin,
    scope: Result<ScopePath, ValidationError>,
    request: FundRequest,
    /// What the key is made from, unless it is random.
    occasion: Option<String>,
}

impl Fund {
    pub(super) fn new(
        admin: &Admin,
        scope: &Result<ScopePath, ValidationError>,
        operation: FundingOperation,
        amount: Amount,
    ) -> Self {
        let idempotency_key = IdempotencyKey::random();
        let request = FundRequest { operation, amount, spent: None, reason: None, idempotency_key };
        Self { admin: admin.clone(), scope: scope.clone(), request, occasion: None }
    }

    /// The occasion, such as the number of an invoice: the same operation on the same budget for the same occasion takes effect
    /// once. Another amount for the same occasion is refused (`IDEMPOTENCY_MISMATCH`).
    ///
    /// The key is made from scope, unit, operation and occasion: some servers tell keys apart by their text alone, and would
    /// take the same occasion on another budget for a repetition. Servers remember keys for 24 hours.
    pub fn once(mut self, occasion: impl Into<String>) -> Self {
        self.occasion = Some(occasion.into());
        self
    }

    /// What counts as spent from the start of a period; nothing by default. For [`start_period`](super::Budget::start_period)
    /// alone.
    pub fn spent(mut self, spent: Amount) -> Self {
        self.request.spent = Some(spent);
        self
    }

    /// Why, for the server's audit log: at most 512 characters.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.request.reason = Some(reason.into());
        self
    }

    /// The answer together with what its headers say.
    ///
    /// # Errors
    ///
    /// As awaiting the funding itself.
    pub async fn with_metadata(self) -> Result<Response<FundingResult>, Error> {
        self.operation().with_metadata().await
    }

    fn operation(self) -> Operation<FundingResult> {
        let prepared = self.prepare();
        self.admin.operation(prepared)
    }

    fn prepare(&self) -> Result<Prepared, Error> {
        let scope = self.scope.as_ref().map_err(Clone::clone)?;
        self.request.validate()?;
        let unit = self.request.amount.unit().as_str();
        let mut request = self.request.clone();
        if let Some(occasion) = &self.occasion {
            request.idempotency_key = key_of(scope, unit, request.operation.as_str(), occasion)?;
        }
        let pairs =
            vec![("scope", scope.to_string()), ("unit", unit.to_owned()), ("tenant_id", scope.tenant().to_owned())];
        self.admin.say(Method::POST, &format!("{BUDGETS}/fund"), &pairs, &request)
    }
}

impl IntoFuture for Fund {
    type Output = Result<FundingResult, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.operation().into_future()
    }
}

/// The key of an operation on a budget for an occasion: readable, or a digest where that is longer than a key may be.
fn key_of(scope: &ScopePath, unit: &str, operation: &str, occasion: &str) -> Result<IdempotencyKey, ValidationError> {
    if occasion.trim().is_empty() {
        return Err(ValidationError::new("period", "no text", "a name of the period or occasion, such as 2026-11-22"));
    }
    let parts = [scope.as_str(), unit, operation, occasion];
    if let Ok(key) = IdempotencyKey::derive("fund", parts.map(Some)) {
        return Ok(key);
    }
    // Each part with its length before it, so that no two lists of parts read the same.
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut text = String::with_capacity(64);
    for byte in digest.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    IdempotencyKey::derive("fund", [Some(text)])
        .map_err(|error| ValidationError::new("idempotency_key", error.to_string(), "1 to 256 characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: &str, unit: &str, operation: &str, occasion: &str) -> String {
        let scope = scope.parse().expect("a scope");
        key_of(&scope, unit, operation, occasion).expect("a key").to_string()
    }

    #[test]
    fn a_key_names_scope_unit_operation_and_period() {
        assert_eq!(
            key("tenant:acme/agent:jane", "TOKENS", "RESET_SPENT", "2026-11-22"),
            "fund/tenant%3Aacme%2Fagent%3Ajane/TOKENS/RESET_SPENT/2026-11-22"
        );
    }

    #[test]
    fn a_key_is_never_too_long_and_long_ones_differ_wherever_their_parts_do() {
        let deep = |last: char| {
            let id = |end: char| format!("{}{end}", "x".repeat(127));
            format!("tenant:{0}/workspace:{0}/app:{0}/workflow:{0}/agent:{0}/toolset:{1}", id('x'), id(last))
        };
        let long = "p".repeat(10_000);
        let keys = [
            key(&deep('a'), "TOKENS", "RESET_SPENT", "p"),
            key(&deep('b'), "TOKENS", "RESET_SPENT", "p"),
            key(&deep('a'), "CREDITS", "RESET_SPENT", "p"),
            key(&deep('a'), "TOKENS", "CREDIT", "p"),
            key("tenant:acme", "TOKENS", "CREDIT", &long),
            key("tenant:acme", "TOKENS", "CREDIT", &format!("{long}p")),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(one.len() <= 256, "{one}");
            assert!(!keys[..at].contains(one), "{one} stands twice");
        }
        assert_eq!(keys[0], key(&deep('a'), "TOKENS", "RESET_SPENT", "p"));
    }

    #[test]
    fn a_period_without_a_name_is_refused() {
        let error = key_of(&"tenant:acme".parse().expect("a scope"), "TOKENS", "CREDIT", " ").expect_err("blank");
        assert_eq!(error.field(), "period");
    }
}
