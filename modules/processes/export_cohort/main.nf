// Cohort VCF -> a format for analysis
process EXPORT_COHORT {
    tag "${format}"
    label 'process_low'

    input:
    tuple val(meta), path(vcf), path(index), val(format)  // format: zarr or plink2
    path pedigree

    output:
    tuple val(format), path("${prefix}.{vcz.zip,pgen,pvar.zst,psam}"), emit: export
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    prefix = task.ext.prefix ?: meta.id
    """
    deepcohort export --vcf ${vcf} --format ${format} --pedigree ${pedigree} --output ${prefix} ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    touch ${format == 'zarr' ? "${prefix}.vcz.zip" : "${prefix}.pgen ${prefix}.pvar.zst ${prefix}.psam"}
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
