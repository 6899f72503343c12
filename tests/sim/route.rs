//! What a request asks for.

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Reserve,
    Commit,
    Release,
    Extend,
    Event,
    List,
}

impl Route {
    /// The operation of a request, and the reservation in its path.
    pub(crate) fn of<B>(request: &http::Request<B>) -> (Self, String) {
        let path = request.uri().path();
        let segments: Vec<_> = path.split('/').skip(2).collect();
        match (request.method().as_str(), &*segments) {
            ("POST", ["reservations"]) => (Self::Reserve, String::new()),
            ("GET", ["reservations"]) => (Self::List, String::new()),
            ("POST", ["reservations", id, "commit"]) => (Self::Commit, (*id).to_owned()),
            ("POST", ["reservations", id, "release"]) => (Self::Release, (*id).to_owned()),
            ("POST", ["reservations", id, "extend"]) => (Self::Extend, (*id).to_owned()),
            ("POST", ["events"]) => (Self::Event, String::new()),
            _ => panic!("{} {path} is nothing that a guarded call sends", request.method()),
        }
    }
}
