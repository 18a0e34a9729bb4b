import groovy.json.JsonSlurper

/** Whether the cohort's alleles are looked up again in the reads of every sample (--second_look). */
class SecondLook {

    static final double DEEP_X = 20
    // more samples are stored in batches, so that no task stages the gVCFs of all (Scale)
    static final int MOST_SAMPLES = 500

    /** What is wrong with the parameters, one line each. */
    static List<String> problems(Map params) {
        if (params.second_look == null) return []
        def word = params.second_look.toString()
        if (word in ['true', 'all'] && (params.mode != 'call' || !params.joint)) {
            return ['--second_look is for joint genotyping: --mode call, without --joint false']
        }
        if (word == 'all' && params.cohort) {
            return ['--second_look all looks at the reads of every sample, and stored ones (--cohort) have none: ' +
                'name all samples in the samplesheet (with -resume first calls are not made again), ' +
                'or use --second_look true']
        }
        return []
    }

    /** The decision: as told, or for few samples of which more than one is there and the median is shallow. */
    static boolean wanted(word, List facts) {
        if (word.toString() != 'auto') return word.toString() != 'false'
        def depths = facts.collect { depth(it) }.findAll { it > 0 }.sort()
        if (!depths || facts.size() < 2 || facts.size() > MOST_SAMPLES) return false
        return depths[depths.size().intdiv(2)] < DEEP_X
    }

    private static double depth(file) {
        def text = file.text.trim()
        if (!text) return 0  // a stub
        def library = new JsonSlurper().parseText(text).library
        return (library?.get('Depth') ?: library?.get('depth') ?: 0) as double
    }
}
