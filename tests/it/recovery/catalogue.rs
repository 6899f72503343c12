//! The scenarios of the Cycles SDK recovery profile, and the test that shows each.

/// The version of the catalogue that the tests are written for, and the digest of its text with line ends of one character.
pub(crate) const CATALOGUE: (&str, &str) = ("0.3", "28792ca09104ba04d0a9bd6ae922e6d9581af94d14807eab2b5ad2e50ba5bd72");

/// A scenario, and the test that shows it.
pub(crate) struct Scenario {
    pub(crate) id: &'static str,
    pub(crate) level: &'static str,
    pub(crate) precondition: &'static str,
    pub(crate) faults: &'static [&'static str],
    /// As the test harness names it.
    pub(crate) test: &'static str,
}

/// Every scenario of the claim `durable`, which includes those of `core`.
pub(crate) const SCENARIOS: [Scenario; 12] = [
    Scenario {
        id: "CR-CORE-001",
        level: "core",
        precondition: "actual_known",
        faults: &["commit_response_lost"],
        test: "recovery::core::a_commit_whose_answer_is_lost_is_repeated_with_its_key",
    },
    Scenario {
        id: "CR-CORE-002",
        level: "core",
        precondition: "actual_known",
        faults: &["commit_reservation_expired"],
        test: "recovery::core::a_commit_that_comes_too_late_becomes_an_event_with_its_key",
    },
    Scenario {
        id: "CR-CORE-003",
        level: "core",
        precondition: "action_running",
        faults: &["extend_transport_error"],
        test: "recovery::core::a_heartbeat_that_fails_is_told_and_the_action_goes_on",
    },
    Scenario {
        id: "CR-CORE-004",
        level: "core",
        precondition: "actual_known",
        faults: &["commit_nonconformant_2xx_or_body"],
        test: "recovery::core::a_success_that_breaks_the_protocol_settles_nothing",
    },
    Scenario {
        id: "CR-DURABLE-001",
        level: "durable",
        precondition: "actual_known",
        faults: &["process_terminated_while_first_commit_is_in_flight", "process_restarted"],
        test: "recovery::durable::a_commit_is_on_disk_before_it_leaves_and_outlives_its_process",
    },
    Scenario {
        id: "CR-DURABLE-002",
        level: "durable",
        precondition: "journal_contains_commit",
        faults: &[
            "process_restarted",
            "commit_reservation_expired",
            "process_terminated_after_mode_switch",
            "process_restarted",
        ],
        test: "recovery::durable::a_replayed_commit_that_comes_too_late_is_an_event_for_every_later_process",
    },
    Scenario {
        id: "CR-DURABLE-003",
        level: "durable",
        precondition: "actual_known",
        faults: &[
            "commit_429_with_retry_after",
            "process_terminated_after_journal_write",
            "process_restarted_before_retry_after",
        ],
        test: "recovery::durable::no_process_comes_back_before_the_authority_allows_it",
    },
    Scenario {
        id: "CR-DURABLE-004",
        level: "durable",
        precondition: "journal_contains_commit_with_tenant_identity",
        faults: &["api_key_rotated", "process_restarted"],
        test: "recovery::durable::a_tenants_journal_outlives_its_key_which_is_never_on_disk",
    },
    Scenario {
        id: "CR-DURABLE-005",
        level: "durable",
        precondition: "journal_contains_corrupt_or_unsupported_record",
        faults: &["process_restarted"],
        test: "recovery::durable::what_is_no_record_is_put_aside_and_told_and_the_others_are_settled",
    },
    Scenario {
        id: "CR-DURABLE-006",
        level: "durable",
        precondition: "journal_contains_commit",
        faults: &["two_independent_workers_replay_same_record"],
        test: "recovery::durable::two_workers_that_replay_one_record_at_a_time_settle_it_once",
    },
    Scenario {
        id: "CR-DURABLE-007",
        level: "durable",
        precondition: "journal_contains_records_with_colliding_legacy_identifiers",
        faults: &["legacy_record_encountered"],
        test: "recovery::durable::ids_that_shared_an_early_name_have_files_of_their_own",
    },
    Scenario {
        id: "CR-BOUNDARY-001",
        level: "boundary",
        precondition: "actual_unknown",
        faults: &["guarded_action_does_not_return_actual"],
        test: "recovery::core::without_a_known_amount_nothing_is_settled_and_the_failure_reaches_the_caller",
    },
];
