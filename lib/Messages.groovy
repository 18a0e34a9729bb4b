import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow

/** What people read in the terminal. */
class Messages {

    private static final long FULL_BYTES = 1_000_000
    private static final int MOST_NOTES = 12

    /** Parameters that this mode needs and that are absent, one line each. */
    static List<String> missing(Map params) {
        def needed = params.simulate ? [] : ['samplesheet', 'reference']
        if (params.mode == 'plan') needed = ['samplesheet', 'reference']
        if (params.mode == 'evaluate') needed = ['calls', 'truth_vcf', 'truth_bed', 'reference']
        if (params.mode in ['train', 'popgen']) needed = []
        def found = needed.findAll { !params[it] }
            .collect { "--${it} is missing; see --help, or try -profile demo".toString() }
        if (params.bed_padding && !params.regions)
            found << '--bed_padding is around the intervals of --regions; give these too'
        return found
    }

    /** What the check found odd but allowed, the first lines of it. */
    static List<String> notes(List<String> lines) {
        def shown = lines.take(MOST_NOTES).collect { "Note: ${it}".toString() }
        def more = lines.size() - MOST_NOTES
        return more > 0 ? shown + ["Note: and ${more} more (.command.err of CHECK_INPUTS)".toString()] : shown
    }

    /** Warnings about samples, the first of them. */
    static List<String> warnings(List<String> lines) {
        def more = lines.size() - MOST_NOTES
        def rest = "and ${more} more (fingerprints/fingerprints.json)".toString()
        return more > 0 ? lines.take(MOST_NOTES) + [rest] : lines
    }

    /** Ends the run with one line per problem, when there are any. */
    static void stopIf(List<String> problems) {
        if (problems) {
            problems.each { System.err.println("deepcohort: error: ${it}") }
            System.err.flush()
            System.exit(2)
        }
    }

    /**
     * Prints the last lines of a run: what went wrong, or where the results are. At the exit of the JVM, because
     * Nextflow still paints its list of processes after onComplete, over whatever was printed before.
     */
    static void finish(workflow, outdir, summary, email = null) {
        def text = workflow.success ? success(workflow, outdir, summary) : failure(workflow)
        def unsent = email ? mail(workflow, email.toString(), text) : ''
        Runtime.runtime.addShutdownHook(new Thread({
            System.out.println((workflow.success ? withCosts(text, outdir) : text) + unsent)
            System.out.flush()
        }))
    }

    /** The trace is whole only now; without it (a remote folder that is closed by now) the line is left out. */
    private static String withCosts(String text, outdir) {
        try {
            def folder = Nextflow.file(outdir.toString(), glob: false) as Path
            def stages = Costs.stages(folder.resolve('pipeline_info/trace.tsv'))
            Costs.write(stages, folder.resolve('pipeline_info/costs.tsv'), folder.resolve('report/multiqc_report.html'))
            def line = Costs.line(stages)
            return line ? text + '\n' + line : text
        }
        catch (Throwable error) {
            return text
        }
    }

    /** Sends the last lines; what hinders that, as a line more, for no run fails for want of a mail server. */
    private static String mail(workflow, String email, String text) {
        def outcome = workflow.success ? 'finished' : 'did not finish'
        try {
            Nextflow.sendMail(to: email, subject: "deepcohort: run ${workflow.runName} ${outcome}".toString(),
                body: text.trim() + '\n')
            return ''
        }
        catch (Throwable error) {
            def why = (error.message ?: error.class.simpleName).readLines()[0]
            return "\ndeepcohort: note: no e-mail went to ${email}: ${why}; ".toString() +
                "Nextflow's scope mail names a server"
        }
    }

    private static String failure(workflow) {
        def report = (workflow.errorReport ?: workflow.errorMessage ?: '').toString()
        def lines = report.readLines()*.trim().findAll { it.startsWith('deepcohort: error:') }.unique()
        lines += fullDisk(workflow.workDir)
        def remedy = 'Mend the cause and repeat the command with -resume: it goes on from here.'
        return (['', *lines, "The run did not finish. ${remedy}"]).join('\n')
    }

    /** A task on a full disk cannot even write its own message. */
    private static List<String> fullDisk(workDir) {
        try {
            if (Files.getFileStore(workDir as Path).usableSpace >= FULL_BYTES) return []
            return ["deepcohort: error: the disk of the work folder ${workDir} is full; free space there".toString()]
        }
        catch (Throwable error) {
            return []  // a bucket
        }
    }

    private static String success(workflow, outdir, summary) {
        def minutes = String.format('%.1f', workflow.duration.toMillis() / 60000.0d)
        def stats = workflow.stats
        def lines = ['',
            "Done in ${minutes} min: ${stats.succeedCount} tasks run, ${stats.cachedCount} taken from before."]
        if (summary) lines << summary.toString().stripTrailing()
        def folder = new File(outdir.toString()).absolutePath
        [
            ['plan', 'plan/plan.tsv'],
            ['cohort VCF', 'cohort/cohort.vcf.gz'],
            ['filtered', 'cohort/cohort.filtered.vcf.gz'],
            ['annotated', 'cohort/cohort.annotated.vcf.gz'],
            ['filtered', 'filtered'],
            ['stored cohort', 'cohort/store'],
            ['samples', 'samples'],
            ['evaluation', 'evaluation'],
            ['model', 'models'],
            ['popgen', 'popgen'],
            ['report', 'report/multiqc_report.html'],
            ['run details', 'pipeline_info'],
        ].each { label, path ->
            def isRemote = outdir.toString().contains('://')
            def target = isRemote ? "${outdir}/${path}" : new File(folder, path)
            if (isRemote || target.exists()) lines << "  ${label.padRight(13)} ${target}"
        }
        return lines.join('\n')
    }
}
