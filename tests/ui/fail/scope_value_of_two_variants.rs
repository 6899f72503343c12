#[derive(runcycles::ScopeValue)]
enum Team {
    Support,
    #[scope_value("Support")]
    Helpdesk,
}

fn main() {}
