/** What clusters and clouds need before a run can start there (conf/<backend>.config sets params.backend). */
class Backend {

    private static final String RETIRED =
        'the Google Life Sciences API was switched off in July 2025; use -profile googlebatch with the same ' +
        '--cloud_project, --cloud_region and -work-dir'

    private static final Map<String, List<String>> NEEDED = [
        awsbatch   : ['container', 'queue', 'cloud_region'],
        googlebatch: ['container', 'cloud_project'],
        kubernetes : ['container', 'k8s_claim'],
    ]

    /** The one line for a backend that is no more. */
    static List<String> retired(Map params) {
        return params.backend == 'google_lifesciences' ? [RETIRED] : []
    }

    /** One line per thing that the backend needs and that is not given. */
    static List<String> problems(Map params, String profile) {
        def found = NEEDED.getOrDefault(params.backend, [])
            .findAll { !params[it] }
            .collect { "-profile ${params.backend} needs --${it}; see docs/usage.md".toString() }
        if (params.backend == 'awsbatch' && 'gpu' in profile.tokenize(',') && !params.gpu_queue) {
            found << 'AWS Batch finds GPU machines by queue: -profile awsbatch,gpu needs --gpu_queue'
        }
        return found
    }
}
