/** Statistical phase of the cohort: --phase_cohort and --phase_panel. */
class Haplotypes {

    /** What is wrong with the parameters, one line each. */
    static List<String> problems(Map params) {
        if (!params.phase_cohort) {
            return params.phase_panel ? ['--phase_panel needs --phase_cohort beagle'] : []
        }
        return params.mode != 'call' || !params.joint
            ? ['--phase_cohort phases the cohort VCF: --mode call, without --joint false'] : []
    }
}
