//! The project's behaviour, through its public API.

mod support;

mod protocol_amounts;
mod protocol_ids;
mod protocol_requests;
mod protocol_responses;
mod protocol_subjects;
mod protocol_vocabulary;
