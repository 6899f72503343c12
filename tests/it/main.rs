//! The project's behaviour, through its public API.

mod support;

mod client_answers;
mod client_config;
mod client_errors;
mod client_limits;
mod client_pages;
mod client_requests;
mod client_scope;
mod client_secrets;
mod end_to_end;
mod guard_drop;
mod guard_reserve;
mod heartbeat_beats;
mod http_answers;
mod http_connections;
mod journal_restart;
mod layers;
mod lifecycle_calls;
mod lifecycle_context;
mod lifecycle_policies;
mod macro_arguments;
mod macro_fallback;
mod macro_reports;
mod macro_settlement;
mod macro_shapes;
mod protocol_amounts;
mod protocol_ids;
mod protocol_requests;
mod protocol_responses;
mod protocol_subjects;
mod protocol_vocabulary;
mod settlement_background;
mod settlement_commit;
mod settlement_faults;
mod settlement_release;
