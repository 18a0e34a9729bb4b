/** Sizes that follow from the size of a cohort. */
class Scale {

    // CPU s of joint genotyping, per Mb and per Mb and sample (tests/benchmarks/joint_scale.tsv)
    private static final double SECONDS_PER_MB = 0.3d
    private static final double SECONDS_PER_MB_SAMPLE = 0.029d
    private static final double TASK_SECONDS = 3600d
    private static final List<Integer> STEPS_MB = [100, 50, 25, 10, 5, 2, 1]

    /**
     * Callable bp per shard of joint genotyping for `samples`: an hour of work at most (every task stages the gVCFs
     * of all samples, so not less), in coarse steps, so that a few samples more leave the shards as they are; never above
     * `limit` where that is given.
     */
    static long cohortShardBp(long samples, limit) {
        double mb = TASK_SECONDS / (SECONDS_PER_MB + SECONDS_PER_MB_SAMPLE * samples)
        long bp = 1_000_000L * (STEPS_MB.find { it <= mb } ?: 1)
        return limit ? Math.min(bp, limit as long) : bp
    }
}
