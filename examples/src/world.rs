//! Where a demo's budgets are kept: in this process, or by an authority somewhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use runcycles::admin::{Admin, BudgetStatus, CreatedApiKey, NewApiKey, NewTenant};
use runcycles::models::Amount;
use runcycles::{CyclesClient, Error, JournalConfig, Mode};
use runcycles_authority::{Authority, InProcess};

/// The tenant of the demos.
const TENANT: &str = "demo-tenant";

/// The key of an operator whom nobody else meets.
const OWN_ADMIN_KEY: &str = "operator-of-this-process";

const OWN_URL: &str = "http://in-process";

/// An authority with a demo's budgets.
#[derive(Debug)]
pub struct World {
    url: String,
    admin: Admin,
    key: CreatedApiKey,
    /// The way in where the authority is in this process.
    transport: Option<InProcess>,
}

impl World {
    /// An authority in this process, or the one at an address, with budgets of which nothing is spent.
    ///
    /// Elsewhere, `CYCLES_ADMIN_KEY` opens the admin plane, which is at the same address unless `CYCLES_ADMIN_URL` says
    /// otherwise. Tenant and budgets are made unless they are there.
    ///
    /// # Errors
    ///
    /// Whatever keeps the budgets from being made.
    pub async fn open(url: Option<&str>, budgets: &[(&str, Amount)]) -> Result<Self, Box<dyn std::error::Error>> {
        let (url, admin, transport) = match url {
            None => {
                let transport = Authority::builder().admin_key(OWN_ADMIN_KEY).start().await?.transport();
                let admin = Admin::builder(OWN_ADMIN_KEY, OWN_URL).transport(transport.clone()).try_build()?;
                (OWN_URL.to_owned(), admin, Some(transport))
            }
            Some(url) => {
                let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
                let key = variable("CYCLES_ADMIN_KEY").ok_or(
                    "CYCLES_ADMIN_KEY is not set: --authority makes the demo's budgets with the operator's key",
                )?;
                let admin_url = variable("CYCLES_ADMIN_URL").unwrap_or_else(|| url.to_owned());
                (url.to_owned(), Admin::builder(key, admin_url).try_build()?, None)
            }
        };
        admin.create_tenant(NewTenant::new(TENANT, "Demo")).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        for (scope, allocated) in budgets {
            let budget = admin.budget(*scope);
            let ledger = budget.ensure(allocated.clone()).await?;
            if ledger.status == BudgetStatus::Frozen {
                budget.unfreeze(allocated.unit().clone()).await?;
            }
            budget.start_period(allocated.clone(), format!("demo {now}")).await?;
        }
        let key = admin.create_api_key(NewApiKey::new(TENANT, "demo")).await?;
        Ok(Self { url, admin, key, transport })
    }

    /// A client of the demo's tenant, which is held to its budgets in [`Mode::Enforce`] and to nothing in [`Mode::Off`].
    ///
    /// # Errors
    ///
    /// Where the address cannot be one.
    pub fn client(&self, mode: Mode) -> Result<CyclesClient, Error> {
        // The spend of a demo is pretended, and worth no journal.
        let builder = CyclesClient::builder(self.key.key_secret.expose(), &self.url).journal(JournalConfig::disabled());
        let builder = match &self.transport {
            Some(transport) => builder.transport(transport.clone()),
            None => builder,
        };
        Ok(builder.tenant(TENANT).mode(mode).try_build()?)
    }

    /// The operator's side.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Leaves no key behind.
    ///
    /// # Errors
    ///
    /// Where it cannot be revoked.
    pub async fn close(self) -> Result<(), Error> {
        self.admin.revoke_api_key(&self.key.key_id).await?;
        Ok(())
    }
}
