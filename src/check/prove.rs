//! Random calls of every tool → what the plugins' own parsers make of them, and the smallest calls that go wrong.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::argv;
use crate::config::Config;
use crate::model::{Command, Source, Tool};
use crate::plugin::capture::{Capturer, Hangs, Program};
use crate::plugin::proof::{self, Call, Leaf, ProofError, Request, Verdict};
use crate::registry::{Plugin, Snapshot, State};

use super::rules;
use super::{Finding, Trials, meaning, sample, shrink};

/// Failures of one tool that are made smaller and told; the rest would say no more.
const MAX_FAILURES: usize = 3;

/// Rounds in which one failure is made smaller, and calls that are tried in one of them.
const SHRINK_ROUNDS: usize = 12;
const SHRINK_CALLS: usize = 48;

/// What was proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Calls that the schemas allow.
    pub calls: usize,
    /// Of these, those that arrived as what they say.
    pub proven: usize,
    /// Those that smcp refuses before anything runs, since argparse has no way to take them.
    pub refused: usize,
    /// Those that arrived as something else, or that the parser refuses.
    pub failed: usize,
    /// Those whose end nobody saw.
    pub lost: usize,
    /// Tools of which at least one call was proven and none failed.
    pub tools_proven: usize,
    /// Tools whose parser could not be asked.
    pub tools_unproven: usize,
}

impl Proof {
    fn add(&mut self, other: Proof) {
        self.calls += other.calls;
        self.proven += other.proven;
        self.refused += other.refused;
        self.failed += other.failed;
        self.lost += other.lost;
        self.tools_proven += other.tools_proven;
        self.tools_unproven += other.tools_unproven;
    }
}

/// Proves all tools of a snapshot.
pub(super) async fn all(config: &Config, snapshot: &Snapshot, trials: Trials) -> (Vec<Finding>, Proof) {
    let capturer =
        Capturer::new(&config.discovery).unwrap_or_else(|_| Capturer::without_live(&config.discovery));
    let capturer = Arc::new(capturer);
    let mut tasks = JoinSet::new();
    for plugin in snapshot.plugins.iter().filter(|plugin| plugin.state == State::Ready) {
        let tools = super::tools_of(snapshot, &plugin.name).into_iter().cloned().collect();
        let program = program(plugin);
        let prover = Prover { capturer: capturer.clone(), plugin: plugin.clone(), program, tools, trials };
        tasks.spawn(async move { prover.run().await });
    }
    let (mut findings, mut proof) = (Vec::new(), Proof::default());
    while let Some(ended) = tasks.join_next().await {
        // A task that panicked leaves the others alone.
        let Ok((found, figures)) = ended else { continue };
        findings.extend(found);
        proof.add(figures);
    }
    findings.sort_by(|a, b| (&a.plugin, &a.tool).cmp(&(&b.plugin, &b.tool)));
    (findings, proof)
}

/// One plugin's proof.
struct Prover {
    capturer: Arc<Capturer>,
    plugin: Arc<Plugin>,
    program: Program,
    tools: Vec<Tool>,
    trials: Trials,
}

/// A call with its words.
struct Rendered {
    arguments: Map<String, Value>,
    call: Call,
}

/// A tool's calls, and what came of them.
struct Trial<'a> {
    tool: &'a Tool,
    chain: Vec<&'a Command>,
    calls: Vec<Rendered>,
    refused: usize,
    refusal: Option<String>,
    verdicts: Result<Vec<Verdict>, String>,
}

impl Prover {
    async fn run(&self) -> (Vec<Finding>, Proof) {
        let mut trials: Vec<Trial> = self.tools.iter().filter_map(|tool| self.trial(tool)).collect();
        if is_live(&self.plugin.root) {
            self.ask(&mut trials).await;
        }
        let (mut found, mut proof) = (Vec::new(), Proof::default());
        for trial in &trials {
            self.judge(trial, &mut found, &mut proof).await;
        }
        (found, proof)
    }

    fn trial<'a>(&'a self, tool: &'a Tool) -> Option<Trial<'a>> {
        let chain = self.plugin.root.chain(&tool.path)?;
        let (mut calls, mut refused, mut refusal) = (Vec::new(), 0, None);
        for arguments in sample::calls(tool, &chain, self.trials.seed, self.trials.calls) {
            match rendered(tool, &chain, arguments) {
                Ok(call) => calls.push(call),
                Err(reason) => {
                    refused += 1;
                    refusal.get_or_insert(reason);
                }
            }
        }
        let verdicts = Err("it has no live parser: only its help pages are known".to_owned());
        Some(Trial { tool, chain, calls, refused, refusal, verdicts })
    }

    /// Asks the root parser for all tools in one run, and runs each command that it does not know by itself.
    async fn ask(&self, trials: &mut [Trial<'_>]) {
        let help = || vec!["--help".to_owned()];
        let indices: Vec<usize> = (0..trials.len()).collect();
        let left = self.ask_once(trials, &indices, help()).await;
        for index in left {
            let words = trials[index].tool.path.iter().cloned().chain(help()).collect();
            if !trials[index].tool.path.is_empty() {
                self.ask_once(trials, &[index], words).await;
            }
        }
    }

    /// Gives those trials to the parser; gives back those that it does not know.
    async fn ask_once(&self, trials: &mut [Trial<'_>], indices: &[usize], words: Vec<String>) -> Vec<usize> {
        let leaves = indices.iter().map(|index| leaf(&trials[*index], &trials[*index].calls)).collect();
        let answer = self.capturer.prove(&self.program, &Request { words, leaves }).await;
        let (reason, answered) = match answer {
            Ok(answer) => {
                let reason =
                    answer.unmet.unwrap_or_else(|| "its parser does not have this command".to_owned());
                (reason, answer.leaves)
            }
            Err(error @ (ProofError::NotMet { .. } | ProofError::Run(_) | ProofError::Exchange(_))) => {
                (error.to_string(), Vec::new())
            }
        };
        let mut left = indices.to_vec();
        for answer in answered {
            let Some(index) = indices.get(answer.leaf).copied() else { continue };
            if answer.calls.len() == trials[index].calls.len() {
                left.retain(|other| *other != index);
                trials[index].verdicts = Ok(answer.calls);
            }
        }
        for index in &left {
            trials[*index].verdicts = Err(reason.clone());
        }
        left
    }

    async fn judge(&self, trial: &Trial<'_>, found: &mut Vec<Finding>, proof: &mut Proof) {
        let finding =
            |rule, message: String| Finding::new(rule, &self.plugin.name, message).tool(&trial.tool.name);
        proof.calls += trial.calls.len() + trial.refused;
        proof.refused += trial.refused;
        let verdicts = match &trial.verdicts {
            Ok(verdicts) => verdicts,
            Err(reason) => {
                proof.tools_unproven += 1;
                proof.lost += trial.calls.len();
                found.push(finding(rules::UNPROVEN, reason.clone()));
                return;
            }
        };
        let mut failed = 0;
        for (call, verdict) in trial.calls.iter().zip(verdicts) {
            match is_failure(verdict) {
                true => {
                    failed += 1;
                    if failed <= MAX_FAILURES {
                        let (smallest, verdict) = self.smallest(trial, call, verdict).await;
                        let new = failure(&self.plugin.name, trial.tool, &smallest, &verdict);
                        found.extend(Some(new).filter(|new| !found.contains(new)));
                    }
                }
                false if verdict.lost.is_some() => proof.lost += 1,
                false => proof.proven += 1,
            }
        }
        proof.failed += failed;
        if trial.calls.is_empty() {
            proof.tools_unproven += 1;
            let reason = trial.refusal.clone().unwrap_or_else(|| "no call could be made up".into());
            found.push(finding(
                rules::UNPROVEN,
                format!("every call was refused before anything ran: {reason}"),
            ));
        } else if let Some(reason) = verdicts.iter().find_map(|verdict| verdict.lost.as_ref()) {
            proof.tools_unproven += 1;
            found.push(finding(rules::UNPROVEN, reason.clone()));
        } else if failed == 0 {
            proof.tools_proven += 1;
        }
    }

    /// The smallest call found that fails as this one does.
    async fn smallest(&self, trial: &Trial<'_>, call: &Rendered, verdict: &Verdict) -> (Rendered, Verdict) {
        let call = Rendered { arguments: call.arguments.clone(), call: call.call.clone() };
        let mut best = (call, verdict.clone());
        for _ in 0..SHRINK_ROUNDS {
            let mut steps = shrink::smaller(trial.tool, &best.0.arguments);
            steps.sort_by_key(shrink::size);
            let steps = steps.into_iter().filter_map(|step| rendered(trial.tool, &trial.chain, step).ok());
            let steps: Vec<Rendered> = steps.take(SHRINK_CALLS).collect();
            let mut verdicts = self.verdicts(trial, &steps).await.into_iter();
            let next = steps.into_iter().find_map(|step| {
                let found = verdicts.next()?;
                (is_failure(&found) && found.error.is_some() == best.1.error.is_some())
                    .then_some((step, found))
            });
            match next {
                Some(smaller) => best = smaller,
                None => break,
            }
        }
        best
    }

    async fn verdicts(&self, trial: &Trial<'_>, calls: &[Rendered]) -> Vec<Verdict> {
        let help = || vec!["--help".to_owned()];
        let own_words = trial.tool.path.iter().cloned().chain(help()).collect();
        for words in [help(), own_words] {
            let request = Request { words, leaves: vec![leaf(trial, calls)] };
            let answer = self.capturer.prove(&self.program, &request).await;
            if let Some(answer) = answer.ok().and_then(|answer| answer.leaves.into_iter().next()) {
                return answer.calls;
            }
        }
        Vec::new()
    }
}

fn program(plugin: &Plugin) -> Program {
    Program {
        directory: plugin.directory.clone(),
        launch: plugin.launch.clone(),
        env: plugin.env.clone(),
        live: true,
        hangs: Hangs::default(),
    }
}

/// Whether the parser object of a program was seen.
fn is_live(root: &Command) -> bool {
    let mut seen = false;
    root.walk(&mut |_, command| {
        let facts = command.arguments.iter().flat_map(|argument| argument.provenance.values());
        seen |= facts.into_iter().any(|source| *source == Source::Live);
    });
    seen
}

fn rendered(tool: &Tool, chain: &[&Command], arguments: Map<String, Value>) -> Result<Rendered, String> {
    match argv::render(chain, tool, &arguments) {
        Ok(argv) => {
            let given = meaning::given(tool, chain, &arguments);
            Ok(Rendered { call: Call { argv, given }, arguments })
        }
        Err(errors) => Err(errors.first().map(ToString::to_string).unwrap_or_default()),
    }
}

fn leaf(trial: &Trial<'_>, calls: &[Rendered]) -> Leaf {
    let flags =
        |command: &&Command| command.arguments.iter().map(|argument| argument.flags.clone()).collect();
    Leaf {
        path: trial.tool.path.clone(),
        arguments: trial.chain.iter().map(flags).collect(),
        calls: calls.iter().map(|rendered| rendered.call.clone()).collect(),
    }
}

fn is_failure(verdict: &Verdict) -> bool {
    verdict.error.is_some() || !verdict.differs.is_empty()
}

fn failure(plugin: &str, tool: &Tool, call: &Rendered, verdict: &Verdict) -> Finding {
    let arguments = Value::Object(call.arguments.clone());
    let argv = Value::from(call.call.argv.clone());
    let (rule, what) = match &verdict.error {
        Some(error) => (rules::PARSER_REFUSES, format!("the parser refuses it: {error}")),
        None => {
            let one = |d: &proof::Difference| {
                format!("`{}` is {} where the call says {}", d.name, d.got, d.expected)
            };
            (rules::NAMESPACE_DIFFERS, verdict.differs.iter().map(one).collect::<Vec<_>>().join("; "))
        }
    };
    Finding::new(rule, plugin, format!("{arguments} as {argv}: {what}")).tool(&tool.name)
}
