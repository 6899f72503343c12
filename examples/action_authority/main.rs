//! Actions as budgets: an agent may write notes and update the CRM, and may not write to customers until somebody gives it a
//! budget for that.
//!
//! `cargo run --example action_authority`, with nothing else installed.

mod agent;
mod desk;
mod log;

use std::process::ExitCode;
use std::time::Duration;

use runcycles::models::{Amount, Unit};
use runcycles::{CyclesClient, Error, Mode, Scope, usd};
use runcycles_examples::{Acts, Arguments, Paint, Panel, Style, World, chain, show, size};
use serde_json::{Value, json};

use self::agent::{agent, answer_customer};
use self::desk::Desk;
pub(crate) use self::log::{Log, Reader};

const AGENT: &str = "tenant:demo-tenant/workspace:default/app:default/workflow:default/agent:support-bot";
const SEND_EMAIL: &str =
    "tenant:demo-tenant/workspace:default/app:default/workflow:default/agent:support-bot/toolset:send-email";

/// A dollar at every level, and for each tool what it may spend: nothing, for e-mails to customers.
const BUDGETS: [(&str, Amount); 8] = [
    ("tenant:demo-tenant", usd!(1)),
    ("tenant:demo-tenant/workspace:default", usd!(1)),
    ("tenant:demo-tenant/workspace:default/app:default", usd!(1)),
    ("tenant:demo-tenant/workspace:default/app:default/workflow:default", usd!(1)),
    (AGENT, usd!(1)),
    (
        "tenant:demo-tenant/workspace:default/app:default/workflow:default/agent:support-bot/toolset:internal-notes",
        usd!(1),
    ),
    (
        "tenant:demo-tenant/workspace:default/app:default/workflow:default/agent:support-bot/toolset:crm-updates",
        usd!(1),
    ),
    (SEND_EMAIL, usd!(0)),
];

const HELP: &str = "\
A support agent wants to write to a customer: nobody asks, then a budget of $0 denies it, then $0.01 allows it, then an
operator stops the agent.

cargo run --example action_authority -- [OPTIONS]

  --mode MODE       unguarded, guarded, or both (default)
  --fast            tools that answer at once
  --plain           lines in place of panels, as where the output is no terminal
  --json            nothing but a summary for scripts
  --authority URL   an authority of your own, whose operator's key is in CYCLES_ADMIN_KEY
  --help            this
";

/// What an act came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) log: Log,
    /// E-mails that went out.
    pub(crate) emails: usize,
    /// What stopped the agent.
    pub(crate) error: Option<Error>,
}

/// The stage of the demo.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) world: World,
    pub(crate) latency: Duration,
    pub(crate) reader: Reader,
}

impl Demo {
    pub(crate) async fn open(
        url: Option<&str>,
        latency: Duration,
        reader: Reader,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self { world: Box::pin(World::open(url, &BUDGETS)).await?, latency, reader })
    }

    /// The whole case, with or without budgets.
    pub(crate) async fn work(&self, mode: Mode) -> Result<Outcome, Error> {
        let (desk, mut log) = (Desk::new(self.latency), Log::new(mode != Mode::Off, self.reader));
        let ended = Box::pin(self.client(mode)?.run(agent(&desk, &mut log))).await;
        Ok(Outcome { log, emails: desk.emails(), error: ended.err() })
    }

    /// The last step alone, after an operator gave it a budget: the agent is the same.
    pub(crate) async fn approve(&self) -> Result<Outcome, Error> {
        self.world.admin().budget(SEND_EMAIL).credit(usd!(0.01)).await?;
        self.answer().await
    }

    /// The last step alone, after an operator froze the agent's budget.
    pub(crate) async fn freeze(&self) -> Result<Outcome, Error> {
        self.world.admin().budget(SEND_EMAIL).credit(usd!(0.01)).await?;
        self.world.admin().budget(AGENT).freeze(Unit::UsdMicrocents).await?;
        self.answer().await
    }

    async fn answer(&self) -> Result<Outcome, Error> {
        let (desk, mut log) = (Desk::new(self.latency), Log::new(true, self.reader));
        let ended = self.client(Mode::Enforce)?.run(answer_customer(&desk, &mut log)).await;
        Ok(Outcome { log, emails: desk.emails(), error: ended.err() })
    }

    pub(crate) fn client(&self, mode: Mode) -> Result<CyclesClient, Error> {
        let scope = Scope::workspace("default").app("default").workflow("default").agent("support-bot");
        Ok(self.world.client(mode)?.scoped(scope))
    }

    fn tell(&self, panel: &Panel) {
        let (width, style) = match self.reader {
            Reader::Nobody => return,
            Reader::Lines => (80, Style::Plain),
            Reader::Live(style) => (size().0.clamp(40, 120), style),
        };
        println!();
        for line in panel.render(width, style) {
            println!("{line}");
        }
    }
}

fn header(mode: &str, paint: Paint) -> Panel {
    Panel::new("Support Case #4782", paint)
        .field("Customer", "Acme Corp (jane@acme.com)")
        .field("Subject", "Invoice shows $847, contract says $720")
        .field("Agent", "support-bot")
        .field("Mode", mode)
}

/// The panel below a whole case.
pub(crate) fn result(outcome: &Outcome, paint: Paint) -> Panel {
    let actions = |count: usize| if count == 1 { "1 action".to_owned() } else { format!("{count} actions") };
    let Log { approved, blocked, .. } = outcome.log;
    let panel = Panel::new("Result", paint);
    let panel = match blocked {
        0 => panel,
        _ => panel.painted(paint, "Cycles blocked the customer email before it was sent."),
    };
    panel.row(format!("{} approved · {} blocked", actions(approved), actions(blocked)))
}

#[tokio::main]
async fn main() -> ExitCode {
    let told = match Arguments::parse(std::env::args().skip(1)) {
        Ok(told) if told.wants_help => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(told) => told,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    match Box::pin(perform(told)).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Plays the demo to its end, or to Ctrl-C, and leaves no key behind.
async fn perform(told: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let latency = if told.is_fast { Duration::ZERO } else { Duration::from_millis(600) };
    let reader = match (told.is_json, told.is_live()) {
        (true, _) => Reader::Nobody,
        (false, true) => Reader::Live(Style::of_stdout()),
        (false, false) => Reader::Lines,
    };
    let demo = Demo::open(told.authority.as_deref(), latency, reader).await?;
    let code = tokio::select! {
        ended = Box::pin(play(&demo, &told)) => ended.map(|()| ExitCode::SUCCESS),
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
    };
    demo.world.close().await?;
    Ok(code?)
}

async fn play(demo: &Demo, told: &Arguments) -> Result<(), Error> {
    let mut summary = serde_json::Map::new();

    if told.acts != Acts::Guarded {
        demo.tell(&header("UNGUARDED: nobody asks", Paint::Red));
        let outcome = demo.work(Mode::Off).await?;
        demo.tell(&result(&outcome, Paint::Red));
        summary.insert("unguarded".to_owned(), told_to_scripts(&outcome));
    }
    if told.acts != Acts::Unguarded {
        demo.tell(&header("GUARDED: every action asks the authority first", Paint::Green));
        let outcome = demo.work(Mode::Enforce).await?;
        demo.tell(&result(&outcome, Paint::Green));
        summary.insert("guarded".to_owned(), told_to_scripts(&outcome));
        budgets(demo, "after the case").await?;

        demo.tell(
            &Panel::new("An operator approves", Paint::Yellow).row("send-email gets $0.01; the agent stays as it is"),
        );
        let outcome = demo.approve().await?;
        summary.insert("approved".to_owned(), told_to_scripts(&outcome));

        demo.tell(
            &Panel::new("An operator stops the agent", Paint::Yellow)
                .row("send-email gets $0.01 more, and the agent's budget is frozen"),
        );
        let outcome = demo.freeze().await?;
        summary.insert("frozen".to_owned(), told_to_scripts(&outcome));
        budgets(demo, "in the end").await?;
    }
    if told.acts == Acts::Both {
        let card = Panel::new("Same agent. Same workflow. Two outcomes.", Paint::Bold)
            .row("An action is approved by the budget of its toolset:")
            .row("set $0 to deny, $N to allow");
        demo.tell(&card);
    }
    if told.is_json {
        println!("{:#}", Value::from(summary));
    }
    Ok(())
}

async fn budgets(demo: &Demo, heading: &str) -> Result<(), Error> {
    if demo.reader != Reader::Nobody {
        println!();
        show(heading, &demo.client(Mode::Enforce)?).await?;
    }
    Ok(())
}

fn told_to_scripts(outcome: &Outcome) -> Value {
    let code = outcome.error.as_ref().and_then(Error::code).map(ToString::to_string);
    json!({ "approved": outcome.log.approved, "blocked": outcome.log.blocked, "emails": outcome.emails, "stopped_by": code })
}
