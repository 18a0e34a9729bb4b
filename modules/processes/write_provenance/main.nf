// What ran, on what, with which settings -> provenance.json
process WRITE_PROVENANCE {
    label 'light'

    input:
    path versions, stageAs: 'versions/?/*'
    val run  // JSON text: parameters, revision, Nextflow version
    path inputs, stageAs: 'inputs/?/*'
    path outputs, stageAs: 'outputs/?/*'
    path models, stageAs: 'models/*'

    output:
    path 'provenance.json', emit: provenance

    script:
    """
    printf '%s' ${Shell.quote(run)} > run.json
    deepcohort provenance --run run.json --versions versions --inputs inputs --outputs outputs \\
        --models models --output provenance.json
    """

    stub:
    """
    printf '%s' ${Shell.quote(run)} > provenance.json
    """
}
