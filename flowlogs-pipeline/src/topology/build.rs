//! From a checked graph to chains and queues.
//!
//! **Invariant:** each stage is built once, in the order of the configuration; a stage that fails leaves
//! nothing running.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::chain::{Chain, End, Lost, Timed};
use super::inlet::{Inlet, Outlet};
use super::queue::Queue;
use crate::config::graph::{Graph, Node};
use crate::config::{PerfSettings, StageConfig};
use crate::metrics::operational::{
    Definition, STAGE_DURATION_MS, STAGE_IN_QUEUE_SIZE, STAGE_OUT_QUEUE_SIZE,
};
use crate::metrics::{Operational, Reading};
use crate::stage::{BuildContext, Ingest, StageError, Terminal, Transform};
use crate::{encode, ingest, transform, write};

/// A graph of built stages, ready to run.
pub struct Topology {
    pub(super) ingesters: Vec<(Box<dyn Ingest>, Inlet)>,
    pub(super) chains: Vec<Chain>,
    pub(super) perf: PerfSettings,
}

impl Topology {
    /// Builds every stage; the first that cannot be built is the error.
    pub fn build(
        graph: &Graph,
        perf: &PerfSettings,
        metrics: &Operational,
        runtime: &Handle,
    ) -> Result<Self, StageError> {
        let mut builder = Builder {
            graph,
            perf,
            metrics,
            runtime,
            queues: HashMap::new(),
        };
        let (mut ingesters, mut chains) = (Vec::new(), Vec::new());
        let mut built: Vec<Option<Built>> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let context = BuildContext {
                name: node.name.clone(),
                metrics: metrics.clone(),
                runtime: runtime.clone(),
            };
            built.push(Some(Built::new(&node.config, &context)?));
        }
        for (place, node) in graph.nodes.iter().enumerate() {
            if let StageConfig::Ingest(_) = node.config {
                let Some(Built::Ingest(stage)) = built[place].take() else {
                    continue;
                };
                ingesters.push((stage, builder.inlet(node)));
            }
        }
        for place in builder.heads() {
            chains.push(builder.chain(place, &mut built));
        }
        Ok(Self {
            ingesters,
            chains,
            perf: perf.clone(),
        })
    }

    /// The addresses on which ingesters listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.ingesters
            .iter()
            .filter_map(|(ingester, _)| ingester.address())
            .collect()
    }
}

enum Built {
    Ingest(Box<dyn Ingest>),
    Transform(Box<dyn Transform>),
    Terminal(Box<dyn Terminal>),
}

impl Built {
    fn new(config: &StageConfig, context: &BuildContext) -> Result<Self, StageError> {
        Ok(match config {
            StageConfig::Ingest(config) => Self::Ingest(ingest::build(config, context)?),
            StageConfig::Transform(config) => Self::Transform(transform::build(config, context)?),
            StageConfig::Encode(config) => Self::Terminal(encode::build(config, context)?),
            StageConfig::Write(config) => Self::Terminal(write::build(config, context)?),
        })
    }
}

struct Builder<'a> {
    graph: &'a Graph,
    perf: &'a PerfSettings,
    metrics: &'a Operational,
    runtime: &'a Handle,
    /// By the place of the stage that starts the chain.
    queues: HashMap<usize, Arc<Queue>>,
}

impl Builder<'_> {
    /// Whether a stage has a queue of its own: it follows an ingester, several stages, or a stage that has
    /// several followers.
    fn is_head(&self, place: usize) -> bool {
        let node = &self.graph.nodes[place];
        if node.inputs != 1 {
            return node.inputs > 1;
        }
        self.graph.nodes.iter().any(|sender| {
            sender.followers.contains(&place)
                && (sender.followers.len() > 1 || matches!(sender.config, StageConfig::Ingest(_)))
        })
    }

    fn heads(&self) -> Vec<usize> {
        (0..self.graph.nodes.len())
            .filter(|place| self.is_head(*place))
            .collect()
    }

    fn queue(&mut self, place: usize) -> Arc<Queue> {
        let queue = self.queues.entry(place).or_insert_with(|| {
            let queue = Arc::new(Queue::new(self.perf.node_buffer_len));
            let waiting = Arc::clone(&queue);
            let reading = Reading::new(move || Some(waiting.len() as f64));
            self.metrics.reading(
                &STAGE_IN_QUEUE_SIZE,
                &[&self.graph.nodes[place].name],
                reading,
            );
            queue
        });
        Arc::clone(queue)
    }

    fn inlet(&mut self, node: &Node) -> Inlet {
        let patience = (node.followers.len() > 1).then_some(*self.perf.branch_wait);
        // All senders ask for room in the same order, so that no two wait for what the other holds.
        let mut followers = node.followers.clone();
        followers.sort_unstable();
        let outlets = followers
            .iter()
            .map(|place| {
                let dropped = self
                    .metrics
                    .records_dropped(&self.graph.nodes[*place].name, "queue_full");
                Outlet::new(self.queue(*place), patience, dropped)
            })
            .collect::<Vec<_>>();
        let queues: Vec<_> = followers.iter().map(|place| self.queue(*place)).collect();
        let reading =
            Reading::new(
                move || Some(queues.iter().map(|queue| queue.len()).sum::<usize>() as f64),
            );
        self.metrics
            .reading(&STAGE_OUT_QUEUE_SIZE, &[&node.name], reading);
        Inlet::new(outlets)
    }

    /// Shows, as NetObserv does for each stage, the length of a queue that is not needed here.
    fn no_queue(&self, definition: &'static Definition, stage: &str) {
        self.metrics
            .reading(definition, &[stage], Reading::new(|| Some(0.0)));
    }

    /// The chain that starts at `head`.
    fn chain(&mut self, head: usize, built: &mut [Option<Built>]) -> Chain {
        let mut transforms = Vec::new();
        let mut place = head;
        let graph = self.graph;
        let end = loop {
            let node = &graph.nodes[place];
            let duration = self.metrics.histogram(&STAGE_DURATION_MS, &[&node.name]);
            match built[place].take() {
                Some(Built::Terminal(stage)) => break End::Terminal(Timed { stage, duration }),
                Some(Built::Transform(stage)) => transforms.push(Timed { stage, duration }),
                Some(Built::Ingest(_)) | None => {
                    unreachable!("a stage is in one chain, and an ingester in none")
                }
            }
            match node.followers[..] {
                [only] if !self.is_head(only) => {
                    self.no_queue(&STAGE_OUT_QUEUE_SIZE, &node.name);
                    self.no_queue(&STAGE_IN_QUEUE_SIZE, &graph.nodes[only].name);
                    place = only;
                }
                _ => break End::Next(self.inlet(node), self.runtime.clone()),
            }
        };
        let name = graph.nodes[head].name.clone();
        let lost = Lost {
            drain_timeout: self.metrics.records_dropped(&name, "drain_timeout"),
            panic: self.metrics.records_dropped(&name, "panic"),
        };
        Chain {
            queue: self.queue(head),
            name,
            transforms,
            end,
            lost,
        }
    }
}
