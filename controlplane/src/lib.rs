//! A private Kubernetes control plane (etcd, kube-apiserver and, where asked for, kube-controller-manager) on free
//! ports of 127.0.0.1, for the tests and the demo. No kubelet and no scheduler: objects are stored, validated, guarded
//! by RBAC and garbage-collected as on a real cluster, but nothing runs in pods.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let plane = controlplane::ControlPlane::shared().await?;
//! let client = plane.admin_client().await?;
//! let mark = plane.audit().mark().await?;
//! plane.kubectl(&["apply", "-f", "crds/"]).await?;
//! let requests = plane.audit().since(mark).await?;
//! # Ok(()) }
//! ```
//!
//! - [`ControlPlane`] (`plane.rs`): starts, breaks, restarts and stops the processes; [`Builder`] (`builder.rs`) is
//!   how it is configured.
//! - [`Cluster`] (`cluster.rs`): what a client needs: URL, kubeconfigs, clients, `ServiceAccount` tokens.
//!   `tools.rs` adds kubectl and helm.
//! - [`Audit`] (`audit.rs`): which requests the API server got, from whom.
//! - [`Binaries`] (`binaries.rs`): where the executables are; `build.sh` builds them.
//! - `detached.rs`: a control plane that outlives the process that started it.
//! - [`Process`] (`process.rs`): a child process that never outlives us, for the operator under test too.
//! - Below these: `part.rs` (the command lines), `scratch.rs` (a
//!   directory that neither does), `ports.rs`.
//!
//! Nothing here listens on or connects to anything but 127.0.0.1.

mod audit;
mod binaries;
mod builder;
mod cluster;
mod detached;
mod layout;
mod part;
mod plane;
mod ports;
mod process;
mod scratch;
mod servers;
mod tools;

pub use audit::{Audit, Mark, Request, Requests};
pub use binaries::Binaries;
pub use builder::Builder;
pub use cluster::Cluster;
pub use part::Part;
pub use plane::ControlPlane;
pub use process::Process;
pub use tools::Output;
