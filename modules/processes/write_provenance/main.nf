// What ran, on what, with which settings -> provenance.json
process WRITE_PROVENANCE {
    label 'light'

    input:
    val versions  // text: what every kind of task ran, a line each
    val run  // JSON text: parameters, revision, Nextflow version
    path inputs, stageAs: 'inputs/?/*'
    path checksums, stageAs: 'checksums/?/*'
    path models, stageAs: 'models/*'

    output:
    path 'provenance.json', emit: provenance

    script:
    """
    rm -rf versions; mkdir versions
    printf '%s' ${Shell.quote(versions)} > versions/versions.yml
    printf '%s' ${Shell.quote(run)} > run.json
    deepcohort provenance --run run.json --versions versions --inputs inputs --checksums checksums \\
        --models models --output provenance.json
    """

    stub:
    """
    printf '%s' ${Shell.quote(run)} > provenance.json
    """
}
