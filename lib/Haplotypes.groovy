/** Haplotypes: --haplotag, and the statistical phase of the cohort by --phase_cohort and --phase_panel. */
class Haplotypes {

    /** What is wrong with the parameters, one line each. */
    static List<String> problems(Map params) {
        def found = []
        if (params.haplotag && (params.mode != 'call' || params.no_phase)) {
            found << '--haplotag is by the phase of the calls: --mode call, without --no_phase'
        }
        if (params.phase_panel && !params.phase_cohort) found << '--phase_panel needs --phase_cohort beagle'
        if (params.phase_cohort && (params.mode != 'call' || !params.joint)) {
            found << '--phase_cohort phases the cohort VCF: --mode call, without --joint false'
        }
        return found
    }
}
