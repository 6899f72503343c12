//! Routes.

use std::borrow::Cow;

use http::Method;

use super::query::percent_decode;
use crate::faults::Call;
use crate::state::Permission;

/// A route of the runtime plane.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Decide,
    Reservations,
    Reservation(Cow<'a, str>),
    Commit(Cow<'a, str>),
    Release(Cow<'a, str>),
    Extend(Cow<'a, str>),
    Balances,
    Events,
}

/// The methods that a route takes.
enum Methods {
    Get,
    Post,
    Both,
}

impl<'a> Route<'a> {
    /// The route of a path.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        let mut segments = path.strip_prefix("/v1/")?.split('/');
        let (first, second, third) = (segments.next()?, segments.next(), segments.next());
        if segments.next().is_some() {
            return None;
        }
        match (first, second, third) {
            ("decide", None, None) => Some(Self::Decide),
            ("balances", None, None) => Some(Self::Balances),
            ("events", None, None) => Some(Self::Events),
            ("reservations", None, None) => Some(Self::Reservations),
            ("reservations", Some(id), None) if !id.is_empty() => Some(Self::Reservation(percent_decode(id, false))),
            ("reservations", Some(id), Some(operation)) if !id.is_empty() => {
                let id = percent_decode(id, false);
                match operation {
                    "commit" => Some(Self::Commit(id)),
                    "release" => Some(Self::Release(id)),
                    "extend" => Some(Self::Extend(id)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What a method does on the route. Reads of events are of the webhooks.
    pub(crate) fn call(&self, method: &Method) -> Option<Call> {
        let reads = method == Method::GET;
        Some(match self {
            Self::Decide => Call::Decide,
            Self::Reservations if reads => Call::ListReservations,
            Self::Reservations => Call::Reserve,
            Self::Reservation(_) => Call::GetReservation,
            Self::Commit(_) => Call::Commit,
            Self::Release(_) => Call::Release,
            Self::Extend(_) => Call::Extend,
            Self::Balances => Call::Balances,
            Self::Events if reads => return None,
            Self::Events => Call::Event,
        })
    }

    /// The methods of a route, as `Allow` names them.
    pub(super) fn allow(&self) -> &'static str {
        match self.methods() {
            Methods::Get => "GET",
            Methods::Post => "POST",
            Methods::Both => "GET, POST",
        }
    }

    pub(super) fn allows(&self, method: &Method) -> bool {
        match self.methods() {
            Methods::Get => method == Method::GET,
            Methods::Post => method == Method::POST,
            Methods::Both => method == Method::GET || method == Method::POST,
        }
    }

    fn methods(&self) -> Methods {
        match self {
            Self::Reservations => Methods::Both,
            Self::Reservation(_) | Self::Balances => Methods::Get,
            Self::Decide | Self::Commit(_) | Self::Release(_) | Self::Extend(_) | Self::Events => Methods::Post,
        }
    }

    /// Whether the admin key opens a method of the route: lists, reads and releases of reservations.
    pub(super) fn is_open_to_operators(&self, method: &Method) -> bool {
        match self {
            Self::Reservations | Self::Reservation(_) => method == Method::GET,
            Self::Release(_) => method == Method::POST,
            Self::Decide | Self::Commit(_) | Self::Extend(_) | Self::Balances | Self::Events => false,
        }
    }

    /// The permission that a tenant's key needs.
    pub(super) fn permission(&self, method: &Method) -> Permission {
        match self {
            Self::Reservations if method == Method::GET => Permission::ReservationsList,
            Self::Decide | Self::Reservations | Self::Events => Permission::ReservationsCreate,
            Self::Reservation(_) => Permission::ReservationsList,
            Self::Commit(_) => Permission::ReservationsCommit,
            Self::Release(_) => Permission::ReservationsRelease,
            Self::Extend(_) => Permission::ReservationsExtend,
            Self::Balances => Permission::BalancesRead,
        }
    }
}
