/** Sizes that follow from the size of a cohort. */
class Scale {

    // CPU s of joint genotyping, per Mb and per Mb and sample (tests/benchmarks/joint_scale.tsv)
    private static final double SECONDS_PER_MB = 0.3d
    private static final double SECONDS_PER_MB_SAMPLE = 0.029d
    private static final double TASK_SECONDS = 3600d
    private static final int ONE_LEVEL = 500
    private static final int BATCH = 100
    // CPU s of filtering a cohort VCF, per Mb and sample at 30x (docs/experiments/filter.md)
    private static final double FILTER_SECONDS_PER_MB_SAMPLE = 1.1d
    private static final List<Integer> STEPS_MB = [100, 50, 25, 10, 5, 2, 1]

    /**
     * Callable bp per shard of joint genotyping for `samples`: an hour of work at most (every task stages the gVCFs
     * of all samples, so not less), in coarse steps, so that a few samples more leave the shards as they are; never
     * above `limit` where that is given.
     */
    static long cohortShardBp(long samples, limit) {
        double mb = TASK_SECONDS / (SECONDS_PER_MB + SECONDS_PER_MB_SAMPLE * samples)
        long bp = 1_000_000L * (STEPS_MB.find { it <= mb } ?: 1)
        return limit ? Math.min(bp, limit as long) : bp
    }

    /** Callable bp per shard of filtering the VCF of `samples`: an hour of work at most, in coarse steps. */
    static long filterShardBp(long samples, limit) {
        double mb = TASK_SECONDS / (FILTER_SECONDS_PER_MB_SAMPLE * samples)
        long bp = 1_000_000L * (STEPS_MB.find { it <= mb } ?: 1)
        return limit ? Math.min(bp, limit as long) : bp
    }

    /**
     * Sample -> [ name and size of its batch ] when gVCFs are stored in batches before they are genotyped; empty
     * when one level is enough. By default so from 501 samples on: below, a second pass costs more than staging
     * every gVCF to every shard. Batches follow the samplesheet, so that samples added at its end leave the earlier
     * batches as they are.
     */
    static Map<String, List> batches(List<String> samples, limit) {
        int size = limit ? limit as int : samples.size() > ONE_LEVEL ? BATCH : samples.size()
        if (samples.size() <= size) return [:]
        return samples.collate(size).withIndex().collectMany { names, i ->
            names.collect { [it, [String.format('batch_%05d', i + 1), names.size()]] }
        }.collectEntries()
    }
}
