// What ran, on what, with which settings -> provenance.json, and the versions of tools alone
process WRITE_PROVENANCE {
    label 'process_single'

    input:
    val versions  // text: versions.yml of every kind of task
    val run  // JSON text: parameters, revision, Nextflow version
    path inputs, stageAs: 'inputs/?/*'
    path checksums, stageAs: 'checksums/?/*'
    path models, stageAs: 'models/*'

    output:
    path 'provenance.json', emit: provenance
    path 'software_versions.yml', emit: software

    script:
    """
    rm -rf versions; mkdir versions
    printf '%s' ${Shell.quote(versions)} > versions/versions.yml
    printf '%s' ${Shell.quote(run)} > run.json
    deepcohort provenance --run run.json --versions versions --inputs inputs --checksums checksums \\
        --models models --output provenance.json
    cp versions/versions.yml software_versions.yml
    """

    stub:
    """
    printf '%s' ${Shell.quote(run)} > provenance.json
    printf '%s' ${Shell.quote(versions)} > software_versions.yml
    """
}
