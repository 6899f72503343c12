//! The server that is asked.

use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream;
use runcycles::admin::{Admin, ListBudgets};
use runcycles::models::{BalanceParams, ListReservationsParams, ReservationDetail};
use runcycles::{CyclesClient, Error, JournalConfig, Scope};

use crate::arguments::{Operator, Server};
use crate::budget::Budget;

/// What no request can be made without.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Missing {
    #[error(
        "no key: give --api-key and --tenant, or --admin-key, or set CYCLES_API_KEY and CYCLES_TENANT, or CYCLES_ADMIN_KEY"
    )]
    Key,
    #[error("no API key: give --api-key or set CYCLES_API_KEY")]
    ApiKey,
    #[error(
        "no tenant: balances are listed by level, so give --tenant or set CYCLES_TENANT to the one that the key belongs to"
    )]
    Tenant,
    #[error("no operator's key: give --admin-key or set CYCLES_ADMIN_KEY")]
    AdminKey,
}

impl Operator {
    /// A client of the admin plane.
    pub(crate) fn admin(&self) -> Result<Admin, Box<dyn std::error::Error>> {
        let key = self.admin_key().ok_or(Missing::AdminKey)?;
        let url = self.admin_url.as_deref().filter(|url| !url.is_empty()).unwrap_or(&self.url);
        Ok(Admin::builder(key, url).try_build()?)
    }

    fn admin_key(&self) -> Option<&str> {
        self.admin_key.as_ref().and_then(|key| key.expose())
    }
}

/// What asks a server, as whom the keys say.
pub(crate) struct Clients {
    url: String,
    tenant: Option<String>,
    /// Where there is an operator's key.
    admin: Option<Admin>,
    /// Where there is a key of a tenant.
    runtime: Option<CyclesClient>,
}

impl Server {
    /// What asks this server.
    pub(crate) fn clients(&self) -> Result<Clients, Box<dyn std::error::Error>> {
        let tenant = self.tenant().map(str::to_owned);
        let admin = self.operator.admin_key().map(|_| self.operator.admin()).transpose()?;
        let runtime = self.api_key.as_ref().and_then(|key| key.expose()).map(|key| {
            let builder = CyclesClient::builder(key, &self.operator.url).journal(JournalConfig::disabled());
            match &tenant {
                Some(tenant) => builder.tenant(tenant),
                None => builder,
            }
            .try_build()
        });
        Ok(Clients { url: self.operator.url.clone(), admin, runtime: runtime.transpose()?, tenant })
    }

    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref().filter(|tenant| !tenant.is_empty())
    }
}

impl Clients {
    /// The address of the runtime plane.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn has_api_key(&self) -> bool {
        self.runtime.is_some()
    }

    /// Every budget that the keys open: with an operator's key those of every tenant, or of the one that is named.
    pub(crate) async fn budgets(&self) -> Result<Vec<Budget>, Box<dyn std::error::Error>> {
        if let Some(admin) = &self.admin {
            let filter = match &self.tenant {
                Some(tenant) => ListBudgets::new().tenant_id(tenant),
                None => ListBudgets::new(),
            };
            let ledgers = collect(admin.budgets(filter), usize::MAX).await?;
            return Ok(ledgers.into_iter().map(Budget::from).collect());
        }
        let runtime = self.runtime.as_ref().ok_or(Missing::Key)?;
        let scope = Scope::tenant(self.tenant.as_deref().ok_or(Missing::Tenant)?);
        let balances = collect(runtime.balances(BalanceParams::within(scope).limit(200)), usize::MAX).await?;
        Ok(balances.into_iter().map(Budget::from).collect())
    }

    /// The first of the reservations that a filter finds.
    pub(crate) async fn reservations(
        &self,
        filter: ListReservationsParams,
        most: usize,
    ) -> Result<Vec<ReservationDetail>, Box<dyn std::error::Error>> {
        let runtime = self.runtime.as_ref().ok_or(Missing::ApiKey)?;
        Ok(collect(runtime.reservations(filter), most).await?)
    }
}

/// The first items of a list.
async fn collect<T>(pages: impl Stream<Item = Result<T, Error>>, most: usize) -> Result<Vec<T>, Error> {
    let mut pages = pin!(pages);
    let mut items = Vec::new();
    while items.len() < most {
        match poll_fn(|waker| pages.as_mut().poll_next(waker)).await {
            Some(item) => items.push(item?),
            None => break,
        }
    }
    Ok(items)
}
