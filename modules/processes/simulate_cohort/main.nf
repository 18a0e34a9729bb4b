// Nothing -> a made-up genome, a cohort's reads and the truth
process SIMULATE_COHORT {
    tag "${meta.id}"
    label 'call'

    input:
    val meta

    output:
    path 'simulated/samplesheet.csv', emit: samplesheet
    tuple path('simulated/reference.fa'), path('simulated/reference.fa.fai'), emit: reference
    path 'simulated/*', emit: files
    path 'versions.yml', emit: versions

    script:
    """
    deepcohort simulate --output simulated ${task.ext.args ?: ''}
    echo "SIMULATE_COHORT: \$(deepcohort --version)" > versions.yml
    """

    stub:
    """
    mkdir simulated
    printf 'sample,reads\\nS1,S1.bam\\nS2,S2.bam\\n' > simulated/samplesheet.csv
    printf '>chr1\\nACGT\\n' > simulated/reference.fa
    printf 'chr1\\t4\\t6\\t4\\t5\\n' > simulated/reference.fa.fai
    echo "SIMULATE_COHORT: stub" > versions.yml
    """
}
