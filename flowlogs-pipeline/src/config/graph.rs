//! Who follows whom: turns `pipeline` and the named stages into a graph, or says why it is none.
//!
//! **Invariant:** pure. A [`Graph`] has an ingester, an end, no cycle, and no stage without its neighbours.

use std::collections::HashMap;

use super::stages::{StageConfig, StageKind};
use super::{Problems, settings::Link};

/// One stage of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub config: StageConfig,
    /// Places of the stages that follow it, in the order of `pipeline`.
    pub followers: Vec<usize>,
    /// How many stages it follows.
    pub inputs: usize,
}

/// The stages, in the order of `parameters`.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The stages.
    pub nodes: Vec<Node>,
}

/// Joins stages by `links`. `refused` are the names of stages that were refused already: what refers to them
/// is no second problem.
pub fn build(
    links: &[Link],
    stages: Vec<(String, StageConfig)>,
    refused: &[String],
    problems: &mut Problems,
) -> Graph {
    let mut graph = Graph::default();
    let mut places = HashMap::new();
    for (name, config) in stages {
        if places.insert(name.clone(), graph.nodes.len()).is_some() {
            problems.error(
                "parameters",
                format_args!("duplicate stage name \"{name}\""),
            );
        }
        graph.nodes.push(Node {
            name,
            config,
            followers: Vec::new(),
            inputs: 0,
        });
    }
    let mut touched = refused.to_vec();
    for (index, link) in links.iter().enumerate() {
        if link.name.is_empty() || link.follows.is_empty() {
            continue;
        }
        problems.at("pipeline", |problems| {
            problems.at_index(index, |problems| {
                let place = |name: &String, problems: &mut Problems| {
                    let place = places.get(name).copied();
                    if place.is_none() && !refused.contains(name) {
                        problems.error("", format_args!("unknown pipeline stage: {name}"));
                    }
                    place
                };
                let (from, to) = (place(&link.follows, problems), place(&link.name, problems));
                let (Some(from), Some(to)) = (from, to) else {
                    touched.extend([link.follows.clone(), link.name.clone()]);
                    return;
                };
                graph.join(from, to, problems);
            });
        });
    }
    graph.check(refused.is_empty(), &touched, problems);
    graph
}

impl Graph {
    fn join(&mut self, from: usize, to: usize, problems: &mut Problems) {
        let (sender, receiver) = (&self.nodes[from], &self.nodes[to]);
        match receiver.config.kind() {
            StageKind::Ingest => {
                let name = &receiver.name;
                problems.error(
                    "",
                    format_args!("stage \"{name}\" of type \"ingest\" can't receive data"),
                );
            }
            _ => match sender.config.kind() {
                kind @ (StageKind::Encode | StageKind::Write) => {
                    let (name, kind) = (&sender.name, kind.as_str());
                    problems.error(
                        "",
                        format_args!("stage \"{name}\" of type \"{kind}\" can't send data"),
                    );
                }
                _ if sender.followers.contains(&to) => {
                    let (to, from) = (&receiver.name, &sender.name);
                    problems.error("", format_args!("stage \"{to}\" follows \"{from}\" twice"));
                }
                _ => {
                    self.nodes[from].followers.push(to);
                    self.nodes[to].inputs += 1;
                }
            },
        }
    }

    /// Each stage has its neighbours. `is_whole` is false when stages are missing from the graph because they
    /// were refused; `touched` names their neighbours.
    fn check(&self, is_whole: bool, touched: &[String], problems: &mut Problems) {
        for node in self
            .nodes
            .iter()
            .filter(|node| !touched.contains(&node.name))
        {
            let (name, kind) = (&node.name, node.config.kind());
            let is_end = matches!(kind, StageKind::Encode | StageKind::Write);
            let text = kind.as_str();
            if kind != StageKind::Ingest && node.inputs == 0 {
                problems.error("pipeline", format_args!(
                    "pipeline stage \"{name}\": pipeline stage from type \"{text}\" should receive data from at least another stage"
                ));
            }
            if !is_end && node.followers.is_empty() {
                problems.error("pipeline", format_args!(
                    "pipeline stage \"{name}\": pipeline stage from type \"{text}\" should send data to at least another stage"
                ));
            }
        }
        let has = |wanted: &[StageKind]| {
            self.nodes
                .iter()
                .any(|node| wanted.contains(&node.config.kind()))
        };
        if is_whole && !has(&[StageKind::Ingest]) {
            problems.error("pipeline", "no ingesters have been defined");
        }
        if is_whole && !has(&[StageKind::Encode, StageKind::Write]) {
            problems.error("pipeline", "no writers have been defined");
        }
        if let Some(name) = self.cycle() {
            problems.error(
                "pipeline",
                format_args!("stage \"{name}\" follows itself through other stages"),
            );
        }
    }

    /// A stage of a cycle: one that is left when stages without input are taken away, again and again.
    fn cycle(&self) -> Option<&str> {
        let mut inputs: Vec<usize> = self.nodes.iter().map(|node| node.inputs).collect();
        let mut free: Vec<usize> = (0..inputs.len())
            .filter(|place| inputs[*place] == 0)
            .collect();
        while let Some(place) = free.pop() {
            for follower in &self.nodes[place].followers {
                inputs[*follower] -= 1;
                if inputs[*follower] == 0 {
                    free.push(*follower);
                }
            }
        }
        inputs
            .iter()
            .position(|inputs| *inputs > 0)
            .map(|place| self.nodes[place].name.as_str())
    }
}
