//! The way to the pod that is meant now.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::PodTarget;
use crate::world::cluster::{Cluster, PodPorts};

pub struct Route {
    cluster: Cluster,
    target: watch::Receiver<Option<PodTarget>>,
    /// Connections to one pod share a way. Held to look and to enter only.
    current: Mutex<Option<(PodTarget, Arc<PodPorts>)>>,
}

impl Route {
    pub fn new(cluster: Cluster, target: watch::Receiver<Option<PodTarget>>) -> Route {
        Route {
            cluster,
            target,
            current: Mutex::default(),
        }
    }

    /// A view of the pod that is meant, of one's own.
    pub fn target(&self) -> watch::Receiver<Option<PodTarget>> {
        self.target.clone()
    }

    pub fn to(&self, target: &PodTarget) -> Arc<PodPorts> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, ports)) = &*current
            && known == target
        {
            return Arc::clone(ports);
        }
        let ports = Arc::new(self.cluster.ports(&target.namespace, &target.name));
        *current = Some((target.clone(), Arc::clone(&ports)));
        ports
    }
}
