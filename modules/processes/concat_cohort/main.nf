// Joint genotypes of all shards -> the cohort VCF
process CONCAT_COHORT {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(vcfs, stageAs: 'vcfs/*'), path(indexes, stageAs: 'vcfs/*')
    path shards

    output:
    tuple val(meta), path("${prefix}.vcf.gz"), path("${prefix}.vcf.gz.{tbi,csi}"), emit: vcf
    path '*.checksums.tsv', emit: checksums
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    prefix = task.ext.prefix ?: meta.id
    """
    ls vcfs/*.vcf.gz > vcfs.txt
    deepcohort merge --input-list vcfs.txt --shards ${shards} --output ${prefix}.vcf.gz \\
        --checksums ${prefix}.checksums.tsv ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    touch ${prefix}.vcf.gz ${prefix}.vcf.gz.tbi ${prefix}.checksums.tsv
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
