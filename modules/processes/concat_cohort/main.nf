// Joint genotypes of all shards -> the cohort VCF
process CONCAT_COHORT {
    tag "${meta.id}"
    label 'light'

    input:
    tuple val(meta), path(vcfs, stageAs: 'vcfs/*'), path(indexes, stageAs: 'vcfs/*')
    path shards

    output:
    tuple val(meta), path("${prefix}.vcf.gz"), path("${prefix}.vcf.gz.tbi"), emit: vcf
    path 'versions.yml', emit: versions

    script:
    prefix = task.ext.prefix ?: meta.id
    """
    ls vcfs/*.vcf.gz > vcfs.txt
    deepcohort merge --input-list vcfs.txt --shards ${shards} --output ${prefix}.vcf.gz ${task.ext.args ?: ''}
    echo "CONCAT_COHORT: \$(deepcohort --version)" > versions.yml
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    touch ${prefix}.vcf.gz ${prefix}.vcf.gz.tbi
    echo "CONCAT_COHORT: stub" > versions.yml
    """
}
