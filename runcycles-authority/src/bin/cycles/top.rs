//! Budgets, looked at again and again.

use std::error::Error;
use std::io::IsTerminal as _;
use std::pin::pin;
use std::time::Duration;

use runcycles::models::{ListReservationsParams, ReservationStatus};
use tokio::time::MissedTickBehavior;

use crate::arguments::Top;
use crate::counters::Counters;
use crate::frame::{Seen, frame};
use crate::server::Clients;
use crate::terminal::{Screen, chain, size};

/// The most reservations that are counted by listing them.
const MOST: usize = 1_000;

/// The columns of a picture that no terminal shows.
const COLUMNS: usize = 100;

/// Shows budgets until Ctrl-C, or once.
pub(crate) async fn top(told: Top) -> Result<String, Box<dyn Error>> {
    let (clients, http) = (told.server.clients()?, reqwest::Client::new());
    let title = match told.server.tenant() {
        Some(tenant) => format!("cycles top  {}  tenant {tenant}", told.server.operator.url),
        None => format!("cycles top  {}", told.server.operator.url),
    };
    // A server that cannot be asked at all is an error; one that goes away while it is watched is told of.
    let mut seen = look(&clients, &http).await?;
    let is_terminal = std::io::stdout().is_terminal();
    if told.once || !is_terminal {
        let width = if is_terminal { size().0 } else { COLUMNS };
        return Ok(frame(&seen, &title, width, usize::MAX, false).join("\n") + "\n");
    }

    let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let title = format!("{title}  every {}s, Ctrl-C ends", told.every);
    let mut screen = Screen::begin();
    let mut ticks = tokio::time::interval(Duration::from_secs(told.every));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is now, and now has been looked at.
    ticks.tick().await;
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        let (width, height) = size();
        screen.draw(&frame(&seen, &title, width, height.saturating_sub(1), has_colours));
        let looked = async {
            ticks.tick().await;
            look(&clients, &http).await
        };
        tokio::select! {
            _ = &mut interrupt => return Ok(String::new()),
            looked = looked => match looked {
                Ok(now) => seen = now,
                Err(error) => seen.problem = Some(chain(&*error)),
            },
        }
    }
}

async fn look(clients: &Clients, http: &reqwest::Client) -> Result<Seen, Box<dyn Error>> {
    let budgets = clients.budgets().await?;
    let counters = Counters::ask(http, clients.url()).await;
    let live = match counters {
        Some(counters) => Some(counters.in_flight),
        // A server without counters tells its reservations to whoever has a key of the tenant.
        None if clients.has_api_key() => {
            let live = ListReservationsParams::new().status(ReservationStatus::Active).limit(200);
            Some(clients.reservations(live, MOST).await?.len() as u64)
        }
        None => None,
    };
    Ok(Seen { budgets, counters, live, problem: None })
}
