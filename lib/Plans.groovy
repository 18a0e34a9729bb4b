/** Words for `deepcohort plan` that follow from a run's parameters. */
class Plans {

    /** `stored`: samples of --cohort. */
    static String options(Map params, int stored) {
        def place = params.backend ?: 'local'
        def here = params.max_cpus ?: Runtime.runtime.availableProcessors()
        def words = ["--place ${place}"]
        def slots = params.plan_slots ?: (place == 'local' ? here : null)
        if (slots) words << "--slots ${slots}"
        if (params.plan_price != null) words << "--price ${params.plan_price}"
        def rates = (params.plan_rates ?: '').toString().tokenize(',')
        words.addAll(rates.collect { "--rate ${Shell.quote(it.trim())}" })
        if (!params.joint) words << '--no-joint'
        if (params.filter) words << '--filter'
        words << "--second-look ${params.second_look == null ? 'auto' : params.second_look}"
        if (params.save_reads) words << '--save-reads'
        if (stored) words << "--stored ${stored}"
        return words.join(' ')
    }
}
