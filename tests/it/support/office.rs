//! An authority in this process, and an operator of it.

use std::time::Duration;

use runcycles::admin::Admin;
use runcycles::{CyclesClient, JournalConfig};
use runcycles_authority::{Authority, AuthorityBuilder, ManualClock};

/// The admin key of all tests: easy to find where it must not be.
pub(crate) const ADMIN_KEY: &str = "adm_do-not-show";

/// An authority with a clock that stands still, and an operator of it.
pub(crate) struct Office {
    pub(crate) authority: Authority,
    pub(crate) admin: Admin,
    clock: ManualClock,
}

impl Office {
    /// An office with a tenant `acme` and no budgets.
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(set_up: impl FnOnce(AuthorityBuilder) -> AuthorityBuilder) -> Self {
        let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
        let builder = Authority::builder().tenant("acme").clock(clock.clone()).admin_key(ADMIN_KEY);
        let authority = set_up(builder).start().await.unwrap();
        let admin = Admin::builder(ADMIN_KEY, "http://admin.test").transport(authority.transport()).build();
        Self { authority, admin, clock }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A client of `acme`.
    pub(crate) fn client(&self) -> CyclesClient {
        self.client_with(&self.authority.api_key("acme"))
    }

    pub(crate) fn client_with(&self, key: &str) -> CyclesClient {
        CyclesClient::builder(key, "http://runtime.test")
            .journal(JournalConfig::disabled())
            .tenant("acme")
            .transport(self.authority.transport())
            .build()
    }
}
