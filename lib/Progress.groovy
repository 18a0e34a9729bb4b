/** How far a run is, in the words of its user: samples, shards, Mb. */
class Progress {

    private static final long PAUSE_MS = 30_000

    private final Closure say
    private Map<String, Long> bp = [:]
    private long samples = 0
    private long shards = 0
    private long calledTasks = 0
    private long calledBp = 0
    private long merged = 0
    private long genotyped = 0
    private long cohortShards = 0
    private long started = 0
    private long lastSaid = 0

    Progress(Closure say) {
        this.say = say
    }

    /** What is about to be done, once the samplesheet is checked and the reference cut. */
    synchronized void plan(samples, shards, table) {
        this.samples = samples as long
        this.shards = shards as long
        table.eachLine { line ->
            def fields = line.split('\t')
            if (fields.size() > 3) bp.merge(fields[3], (fields[2] as long) - (fields[1] as long)) { a, b -> a + b }
        }
        started = lastSaid = System.currentTimeMillis()
        def people = samples == 1 ? '1 sample' : "${samples} samples"
        def tasks = "${samples} x ${shards} shards = ${samples * shards} call tasks"
        say("Input checked. Calling ${people} over ${size(genome())}: ${tasks}.".toString())
    }

    /** A shard of a sample is called. */
    synchronized void called(String shard) {
        calledTasks += 1
        calledBp += bp.getOrDefault(shard, 0L)
        report(calledTasks == samples * shards)
    }

    /** A sample is complete. */
    synchronized void merged() {
        merged += 1
        report(false)
    }

    /** So many shards the cohort is genotyped in. */
    synchronized void cohort(n) {
        cohortShards = n as long
    }

    /** A shard of the cohort is genotyped. */
    synchronized void genotyped() {
        genotyped += 1
        report(false)
    }

    private void report(boolean now) {
        long time = System.currentTimeMillis()
        if (!shards || (!now && time - lastSaid < PAUSE_MS)) return
        lastSaid = time
        say(text(time - started))
    }

    /** The line, `elapsed` ms after the plan. */
    String text(long elapsed) {
        long tasks = samples * shards
        def complete = "${merged} of ${samples} samples complete"
        if (genotyped) return "Genotyped ${genotyped} of ${cohortShards} shards of the cohort; ${complete}.".toString()
        def left = ''
        if (calledTasks < tasks && calledTasks > 0 && elapsed > 2 * PAUSE_MS) {
            double minutes = elapsed / 6e4d * (tasks - calledTasks) / calledTasks
            left = minutes >= 90 ? String.format(Locale.ROOT, '; calling takes about %.1f h more', minutes / 60)
                : String.format(Locale.ROOT, '; calling takes about %.0f min more', Math.max(1d, minutes))
        }
        return ("Called ${calledTasks} of ${tasks} shards (${tasks ? (100 * calledTasks).intdiv(tasks) : 0} %), " +
            "${size(calledBp)} of ${size(genome() * samples)}; ${complete}${left}.").toString()
    }

    private long genome() {
        return bp.values().sum(0L) as long
    }

    private static String size(long bp) {
        if (bp >= 1e5) return String.format(Locale.ROOT, '%,.1f Mb', bp / 1e6d)
        return bp >= 1e3 ? String.format(Locale.ROOT, '%,.1f kb', bp / 1e3d) : "${bp} bp"
    }
}
