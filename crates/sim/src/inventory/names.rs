//! The values that an inventory may refer to.

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)] // the text is what the name means
        pub(crate) enum $kind { $($variant),* }

        impl $kind {
            /// How many there are.
            pub(crate) const COUNT: usize = [$($kind::$variant),*].len();

            /// The value that an inventory calls `name`.
            pub(crate) fn named(name: &str) -> Option<$kind> {
                match name { $($text => Some($kind::$variant),)* _ => None }
            }
        }
    };
}

names! {
    /// A number of a target.
    Var {
        // Felix: view of the cluster, calculation graph.
        ActivePolicies = "active_policies", ActiveSelectors = "active_selectors",
        LocalEndpoints = "local_endpoints", ClusterEndpoints = "cluster_endpoints",
        ClusterHosts = "cluster_hosts", ClusterPolicies = "cluster_policies",
        ClusterProfiles = "cluster_profiles", Pools = "pools", GraphEvents = "graph_events",
        UpdatesEndpoint = "updates_endpoint", UpdatesPolicy = "updates_policy",
        UpdatesProfileLabels = "updates_profile_labels", UpdatesProfileRules = "updates_profile_rules",
        UpdatesResource = "updates_resource", SelectorEvals = "selector_evals",
        ResyncState = "resync_state", ResyncsStarted = "resyncs_started", LogErrors = "log_errors",
        // Felix: dataplane.
        InitialResync = "initial_resync", DataplaneFailures = "dataplane_failures",
        MsgPolicyUpdate = "msg_policy_update", MsgPolicyRemove = "msg_policy_remove",
        MsgEndpointUpdate = "msg_endpoint_update", MsgEndpointRemove = "msg_endpoint_remove",
        MsgIpsetDelta = "msg_ipset_delta",
        Ipsets = "ipsets", IpsetCalls = "ipset_calls", IpsetLines = "ipset_lines", IpsetErrors = "ipset_errors",
        RestoreCalls = "restore_calls", RestoreErrors = "restore_errors", SaveCalls = "save_calls",
        FilterChains = "filter_chains", FilterRules = "filter_rules", FilterLines = "filter_lines",
        NftCalls = "nft_calls", NftErrors = "nft_errors", NftListCalls = "nft_list_calls",
        NftSetCalls = "nft_set_calls", NftChains = "nft_chains", NftRules = "nft_rules", NftSets = "nft_sets",
        RouteIfaces = "route_ifaces", RouteRoutes = "route_routes",
        // Felix: eBPF.
        BpfEndpoints = "bpf_endpoints", BpfEndpointsHappy = "bpf_endpoints_happy",
        BpfEndpointsDirty = "bpf_endpoints_dirty", BpfNumIpSets = "bpf_num_ip_sets",
        BpfSweeps = "bpf_conntrack_sweeps", BpfSweepDuration = "bpf_conntrack_sweep_duration",
        BpfUsed = "bpf_conntrack_used", BpfCleaned = "bpf_conntrack_cleaned",
        BpfCleanedTotal = "bpf_conntrack_cleaned_total", BpfExpired = "bpf_conntrack_expired",
        BpfStaleNat = "bpf_conntrack_stale_nat", BpfStaleNatTotal = "bpf_conntrack_stale_nat_total",
        BpfExpiredFin = "bpf_expired_fin", BpfExpiredRst = "bpf_expired_rst", BpfExpiredIcmp = "bpf_expired_icmp",
        BpfExpiredUdp = "bpf_expired_udp", BpfExpiredEstablished = "bpf_expired_established",
        BpfExpiredPre = "bpf_expired_pre",
        BpfMaglevLocal = "bpf_maglev_local", BpfMaglevRemote = "bpf_maglev_remote",
        // Typha.
        ConnectionsAccepted = "connections_accepted", ConnectionsActive = "connections_active",
        ConnectionsDropped = "connections_dropped", ConnectionsStreaming = "connections_streaming",
        GraceUsed = "grace_used", BreadcrumbBlock = "breadcrumb_block",
        BreadcrumbNonBlock = "breadcrumb_non_block", BreadcrumbSeq = "breadcrumb_seq", CacheSize = "cache_size",
        SnapshotCompressed = "snapshot_compressed", SnapshotRaw = "snapshot_raw",
        SnapshotsGenerated = "snapshots_generated", SnapshotsReused = "snapshots_reused",
        TyphaUpdates = "typha_updates", UpdatesSkipped = "updates_skipped",
        // Go runtime and process.
        Goroutines = "goroutines", Threads = "threads", Gogc = "gogc", Gomaxprocs = "gomaxprocs",
        LastGc = "last_gc", NextGc = "next_gc", MemAlloc = "mem_alloc", MemAllocTotal = "mem_alloc_total",
        MemBuckHashSys = "mem_buck_hash_sys", MemFrees = "mem_frees_count", MemGcSys = "mem_gc_sys",
        MemHeapIdle = "mem_heap_idle", MemHeapInuse = "mem_heap_inuse", MemHeapObjects = "mem_heap_objects",
        MemHeapReleased = "mem_heap_released", MemHeapSys = "mem_heap_sys", MemMallocs = "mem_mallocs_count",
        MemMspanInuse = "mem_mspan_inuse", MemMspanSys = "mem_mspan_sys", MemOtherSys = "mem_other_sys",
        MemStackInuse = "mem_stack_inuse", MemSys = "mem_sys", Cpu = "cpu", NetReceived = "net_received",
        NetSent = "net_sent", OpenFds = "open_fds", Rss = "rss", StartTime = "start_time",
        VirtualMemory = "virtual_memory", Scrapes = "scrapes",
    }
}

names! {
    /// A summary of a target.
    Dist {
        GraphUpdate = "graph_update", ExecMicros = "exec_micros", AddrBatch = "addr_batch",
        ApplyTime = "apply_time", IfaceBatch = "iface_batch", MsgBatch = "msg_batch",
        ConntrackWait = "conntrack_wait", RoutePartial = "route_partial", RouteResync = "route_resync",
        BpfCleaner = "bpf_cleaner",
        CrumbFelix = "crumb_felix", CrumbBgp = "crumb_bgp", CrumbStatus = "crumb_status",
        CrumbTunnel = "crumb_tunnel", ClientLatency = "client_latency", KvsPerMsg = "kvs_per_msg",
        NextCrumb = "next_crumb", Ping = "ping", SnapshotSend = "snapshot_send", WriteLatency = "write_latency",
        Gc = "gc", Idle = "idle",
    }
}

names! {
    /// A number for each pool, node, or both.
    Grid {
        PoolSize = "pool_size", PoolReserved = "pool_reserved", IpamBorrowed = "ipam_borrowed",
        IpamCandidates = "ipam_candidates", IpamReclaimed = "ipam_reclaimed", IpamInUse = "ipam_in_use",
        IpamBlocks = "ipam_blocks", NodeInUse = "node_in_use", NodeBlocks = "node_blocks",
    }
}
